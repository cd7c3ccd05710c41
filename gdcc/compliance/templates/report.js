"use strict";
// Without this script the page lacks its filters, and nothing else.
const form = document.querySelector(".filters"), told = form.querySelector("output");
const controls = [...document.querySelectorAll("article.control")].map((article) => ({
  article,
  about: [...article.children].filter((each) => !each.matches(".group")).map((each) => each.textContent).join(" ").toLowerCase(),
  groups: [...article.querySelectorAll(".group")].map((group) => ({
    group,
    about: [...group.children].filter((each) => !each.matches("details")).map((each) => each.textContent).join(" ").toLowerCase(),
    targets: [...group.querySelectorAll("li")].map((item) => ({ item, text: item.textContent.toLowerCase() })),
  })),
}));
const total = controls.length;

function filter() {
  const words = form.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const { state, framework, ministry } = form;
  const narrowed = words.length || state.value || framework.value || ministry.value;
  let shown = 0, records = 0;
  for (const { article, about, groups } of controls) {
    let any = false;
    for (const { group, about: saying, targets } of groups) {
      // A word may be in the control, in what was seen, or in a target's name; targets that lack it are left out.
      const open = words.filter((word) => !about.includes(word) && !saying.includes(word));
      let here = 0;
      for (const { item, text } of targets) {
        const fits = (!ministry.value || item.dataset.m === ministry.value) && open.every((word) => text.includes(word));
        item.hidden = !fits;
        here += fits;
      }
      const visible = here > 0 && (!state.value || group.dataset.state === state.value);
      group.hidden = !visible;
      const count = group.querySelector(".count");
      if (targets.length > 1) count.textContent = here < targets.length ? `× ${here} / ${targets.length}` : `× ${here}`;
      any ||= visible;
      records += visible ? here : 0;
    }
    const visible = any && (!framework.value || article.dataset.frameworks.includes(` ${framework.value} `));
    article.hidden = !visible;
    shown += visible;
    if (any && !visible) records -= groups.filter(({ group }) => !group.hidden).reduce((sum, { targets }) => sum + targets.filter(({ item }) => !item.hidden).length, 0);
  }
  told.textContent = narrowed ? `${shown} / ${total} มาตรการ controls · ${records} รายการ records` : "";
}

let waiting = 0;
form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
form.addEventListener("reset", () => setTimeout(filter));
form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
form.hidden = false;

const languages = { "show-th": "th", "show-en": "en", "show-both": "th" };
for (const [id, language] of Object.entries(languages)) {
  document.getElementById(id).addEventListener("change", () => { document.documentElement.lang = language; });
}
// On paper everything is told: what is folded up on the screen is opened, and put back afterwards.
let folded = [];
addEventListener("beforeprint", () => { folded = [...document.querySelectorAll("details:not([open])")].filter((each) => each.querySelectorAll("li").length <= 40); folded.forEach((each) => { each.open = true; }); });
addEventListener("afterprint", () => { folded.forEach((each) => { each.open = false; }); });
