// Command retrain trains the networks that the demonstration in the browser
// begins with, and writes them beside package pendulum, from where go generate
// runs it.
package main

import (
	"context"
	"fmt"
	"log"
	"path/filepath"

	"github.com/neuralode/neuralode/docs/demo/pendulum"
)

func main() {
	for _, kind := range []pendulum.Kind{pendulum.Hamiltonian, pendulum.Plain} {
		o := pendulum.TrainedOn
		o.Kind = kind
		var last pendulum.Progress
		model, err := pendulum.Train(context.Background(), o, 50, func(p pendulum.Progress) error {
			last = p
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: loss %.3g on the data (variance of the noise %.3g), %.3g on trajectories held out\n", kind, last.Loss, last.NoiseFloor, last.Held)
		if err := model.Save(filepath.Join("trained", string(kind)+".safetensors")); err != nil {
			log.Fatal(err)
		}
	}
}
