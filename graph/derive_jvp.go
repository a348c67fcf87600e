package graph

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"
)

// JVP returns, for every output, the Jacobian–vector product
// Σᵢ (∂output/∂wrt[i]) tangents[i], in the shape of the output, as new nodes of
// the same graph: the derivative of the outputs when each wrt moves along its
// tangent. Like those of [VJP] they can be differentiated and compiled. Each
// tangent has the shape and element type of its wrt; an output that does not
// depend on wrt gets zeros.
//
// A VJP is linear in its cotangent u, so that its own VJP with respect to u is
// the JVP (Townsend 2017, "A new trick for calculating Jacobian vector
// products"). Of the first product the second needs no value: a compiled
// program evaluates what forward mode would, each op once and its tangent once.
// Every op that can be differentiated twice has a JVP.
//
// Errors and conventions are those of VJP.
func JVP(outputs, wrt, tangents G.Nodes) (G.Nodes, error) {
	products, err := forward(outputs, wrt, tangents)
	if err == nil || errors.As(err, new(*DerivativeError)) {
		return products, err
	}
	return nil, fmt.Errorf("graph: JVP: %w", err)
}

func forward(outputs, wrt, tangents G.Nodes) (products G.Nodes, err error) {
	defer recoverInto(&err)
	if len(wrt) != len(tangents) {
		return nil, fmt.Errorf("%d nodes in wrt but %d tangents; give one for each", len(wrt), len(tangents))
	}
	if _, err := checkArguments(outputs, outputs, wrt); err != nil {
		return nil, err
	}
	if err := checkTangents(wrt, tangents); err != nil || len(outputs) == 0 {
		return nil, err
	}
	seeds := make(G.Nodes, len(outputs))
	for i, n := range outputs {
		seeds[i] = zerosNamed("Cotangent", n)
	}
	pulled, err := reverse(outputs, seeds, wrt)
	if err != nil {
		return nil, err
	}
	return reverse(pulled, tangents, seeds)
}
