// Evaluates pods by the restricted Pod Security Standard, with the code of Kubernetes' own admission plugin.
//
// Reads one JSON object a line, {"name": ..., "metadata": ..., "spec": ...}, and writes a line for each pod that the
// standard forbids: {"name": ..., "reason": ..., "detail": ...}.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

type pod struct {
	Name     string            `json:"name"`
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     corev1.PodSpec    `json:"spec"`
}

type violation struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		log.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var one pod
		if err := in.Decode(&one); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		for _, result := range evaluator.EvaluatePod(restricted, &one.Metadata, &one.Spec) {
			if !result.Allowed {
				if err := out.Encode(violation{one.Name, result.ForbiddenReason, result.ForbiddenDetail}); err != nil {
					log.Fatal(err)
				}
			}
		}
	}
}
