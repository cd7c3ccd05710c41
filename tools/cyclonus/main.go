// Answers, by the matcher of mattfenwick/cyclonus, which traffic network policies allow: the oracle of tests/reach.
//
// It reads one JSON question a line and writes one JSON answer a line. Cyclonus 0.5.6 differs from Kubernetes in two
// points of label selectors, which desugar works around without changing what a policy means:
//   - NotIn where the label is absent: no match in cyclonus, a match in k8s.io/apimachinery/pkg/labels.
//   - matchLabels with an empty value where the label is absent: a match in cyclonus, none in apimachinery.
//
// A question with "raw" leaves the workaround out, so that a test can show that it is still needed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

type port struct {
	Name     string      `json:"name"`
	Protocol v1.Protocol `json:"protocol"`
	Number   int         `json:"number"`
}

type pod struct {
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Address   string            `json:"address"`
	Ports     []port            `json:"ports"`
}

// traffic goes between pods, by their place in the question, or addresses outside (place -1).
type traffic struct {
	Source      int         `json:"source"`
	Target      int         `json:"target"`
	SourceOuter string      `json:"source_outside"`
	TargetOuter string      `json:"target_outside"`
	Protocol    v1.Protocol `json:"protocol"`
	Number      int         `json:"number"`
}

type question struct {
	Namespaces map[string]map[string]string  `json:"namespaces"`
	Pods       []pod                         `json:"pods"`
	Policies   []*networkingv1.NetworkPolicy `json:"policies"`
	Traffic    []traffic                     `json:"traffic"`
	Raw        bool                          `json:"raw"`
	Selectors  []metav1.LabelSelector        `json:"selectors"`
	Labels     []map[string]string           `json:"labels"`
}

type answer struct {
	// Allowed has a 1 or a 0 for each traffic asked about.
	Allowed string `json:"allowed"`
	// Selected has, by selector, a 1 or a 0 for each set of labels, as apimachinery matches them.
	Selected []string `json:"selected"`
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	decoder, encoder := json.NewDecoder(lines), json.NewEncoder(os.Stdout)
	for decoder.More() {
		var asked question
		if err := decoder.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, "question:", err)
			os.Exit(1)
		}
		if err := encoder.Encode(answer{Allowed: allowed(asked), Selected: selected(asked)}); err != nil {
			fmt.Fprintln(os.Stderr, "answer:", err)
			os.Exit(1)
		}
	}
}

func allowed(asked question) string {
	var policies []*networkingv1.NetworkPolicy
	for _, policy := range asked.Policies {
		setDefaults(policy)
		if asked.Raw {
			policies = append(policies, policy)
		} else {
			policies = append(policies, desugar(policy)...)
		}
	}
	policy := matcher.BuildNetworkPolicies(false, policies)
	verdicts := make([]byte, len(asked.Traffic))
	for index, one := range asked.Traffic {
		verdicts[index] = '0'
		if policy.IsTrafficAllowed(asked.resolve(one)).IsAllowed() {
			verdicts[index] = '1'
		}
	}
	return string(verdicts)
}

// setDefaults is SetDefaults_NetworkPolicy of k8s.io/kubernetes/pkg/apis/networking/v1.
func setDefaults(policy *networkingv1.NetworkPolicy) {
	if len(policy.Spec.PolicyTypes) == 0 {
		policy.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(policy.Spec.Egress) != 0 {
			policy.Spec.PolicyTypes = append(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
}

func (asked question) resolve(one traffic) *matcher.Traffic {
	resolved := &matcher.Traffic{
		Source:       asked.peer(one.Source, one.SourceOuter),
		Destination:  asked.peer(one.Target, one.TargetOuter),
		ResolvedPort: one.Number,
		Protocol:     one.Protocol,
	}
	if one.Target >= 0 {
		for _, known := range asked.Pods[one.Target].Ports {
			if known.Number == one.Number && known.Protocol == one.Protocol {
				resolved.ResolvedPortName = known.Name
			}
		}
	}
	return resolved
}

func (asked question) peer(place int, outside string) *matcher.TrafficPeer {
	if place < 0 {
		return &matcher.TrafficPeer{IP: outside}
	}
	inside := asked.Pods[place]
	return &matcher.TrafficPeer{
		IP: inside.Address,
		Internal: &matcher.InternalPeer{
			PodLabels:       inside.Labels,
			NamespaceLabels: asked.Namespaces[inside.Namespace],
			Namespace:       inside.Namespace,
		},
	}
}

// desugar returns policies that together mean the same. Policies add up, and so do the peers of a rule, so "NotIn" may
// be split into "the label is there and differs" and "the label is absent", each of which cyclonus reads as Kubernetes does.
func desugar(policy *networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	for index := range policy.Spec.Ingress {
		policy.Spec.Ingress[index].From = desugarPeers(policy.Spec.Ingress[index].From)
	}
	for index := range policy.Spec.Egress {
		policy.Spec.Egress[index].To = desugarPeers(policy.Spec.Egress[index].To)
	}
	var equal []*networkingv1.NetworkPolicy
	for _, selector := range alternatives(&policy.Spec.PodSelector) {
		copied := policy.DeepCopy()
		copied.Spec.PodSelector = *selector
		equal = append(equal, copied)
	}
	return equal
}

func desugarPeers(peers []networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyPeer {
	var equal []networkingv1.NetworkPolicyPeer
	for _, peer := range peers {
		for _, namespaces := range alternatives(peer.NamespaceSelector) {
			for _, pods := range alternatives(peer.PodSelector) {
				equal = append(equal, networkingv1.NetworkPolicyPeer{
					NamespaceSelector: namespaces, PodSelector: pods, IPBlock: peer.IPBlock,
				})
			}
		}
	}
	return equal
}

func alternatives(selector *metav1.LabelSelector) []*metav1.LabelSelector {
	if selector == nil {
		return []*metav1.LabelSelector{nil}
	}
	equal := []*metav1.LabelSelector{{}}
	for key, value := range selector.MatchLabels {
		is := metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}}
		equal = narrowed(equal, is)
	}
	for _, wanted := range selector.MatchExpressions {
		if wanted.Operator == metav1.LabelSelectorOpNotIn {
			absent := metav1.LabelSelectorRequirement{Key: wanted.Key, Operator: metav1.LabelSelectorOpDoesNotExist}
			equal = append(narrowed(equal, wanted), narrowed(equal, absent)...)
		} else {
			equal = narrowed(equal, wanted)
		}
	}
	return equal
}

func narrowed(selectors []*metav1.LabelSelector, wanted metav1.LabelSelectorRequirement) []*metav1.LabelSelector {
	var narrow []*metav1.LabelSelector
	for _, selector := range selectors {
		copied := selector.DeepCopy()
		copied.MatchExpressions = append(copied.MatchExpressions, wanted)
		narrow = append(narrow, copied)
	}
	return narrow
}

func selected(asked question) []string {
	var verdicts []string
	for index := range asked.Selectors {
		selector, err := metav1.LabelSelectorAsSelector(&asked.Selectors[index])
		if err != nil {
			fmt.Fprintln(os.Stderr, "selector:", err)
			os.Exit(1)
		}
		row := make([]byte, len(asked.Labels))
		for column, set := range asked.Labels {
			row[column] = '0'
			if selector.Matches(labels.Set(set)) {
				row[column] = '1'
			}
		}
		verdicts = append(verdicts, string(row))
	}
	return verdicts
}
