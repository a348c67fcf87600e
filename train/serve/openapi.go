package serve

import (
	_ "embed"
	"math"

	"github.com/neuralode/neuralode/train/forecast"
)

//go:embed page.html
var page []byte

// about is what /model says.
type about struct {
	forecast.Info
	Members      int                  `json:"members"`
	Ranges       map[string][]float64 `json:"ranges"`         // least and largest value of each column in the data
	First        map[string]float64   `json:"first"`          // the first complete row
	Start        float64              `json:"start"`          // its time
	Step         float64              `json:"step"`           // the mean distance of rows
	Ends         []float64            `json:"ends"`           // of the trajectories
	Trajectories []string             `json:"trajectories"`   // ids
	TimeUnit     string               `json:"unit,omitempty"` // of time, for dates
	Data         map[string][]float64 `json:"data,omitempty"` // of the first trajectory, if it is small, with its times as "times"
}

// about collects what the page needs to know.
func (s *Service) about() about {
	m := s.model
	a := about{Info: m.Info, Members: len(m.Members()), Ranges: map[string][]float64{}, First: map[string]float64{}}
	if m.Clock != nil {
		a.TimeUnit = m.Clock.String()
	}
	column := func(j int) (name string, of func(*forecast.Trajectory) []float64, k, width int) {
		if n := len(m.States); j >= n {
			return m.Controls[j-n], func(t *forecast.Trajectory) []float64 { return t.Controls }, j - n, len(m.Controls)
		}
		return m.States[j], func(t *forecast.Trajectory) []float64 { return t.States }, j, len(m.States)
	}
	for j := range len(m.States) + len(m.Controls) {
		name, of, k, width := column(j)
		lo, hi := math.Inf(1), math.Inf(-1)
		for i := range m.Trajectories {
			values := of(&m.Trajectories[i])
			for r := k; r < len(values); r += width {
				if v := values[r]; v == v {
					if _, ok := a.First[name]; !ok {
						a.First[name] = v
					}
					lo, hi = min(lo, v), max(hi, v)
				}
			}
		}
		if lo > hi {
			lo, hi, a.First[name] = 0, 1, 0.5
		}
		a.Ranges[name] = []float64{lo, hi}
	}
	for i := range m.Trajectories {
		a.Trajectories, a.Ends = append(a.Trajectories, m.Trajectories[i].ID), append(a.Ends, m.Trajectories[i].End)
	}
	if t := &m.Trajectories[0]; len(t.Times) > 0 {
		a.Start = t.Times[0]
		a.Step = (t.End - a.Start) / float64(max(1, len(t.Times)-1))
		if n := len(t.Times); n <= 2000 && complete(t.States) {
			a.Data = columns(m.States, t.States)
			a.Data["times"] = t.Times
		}
	}
	if a.Step == 0 {
		a.Step = 1
	}
	return a
}

func complete(values []float64) bool {
	for _, v := range values {
		if v != v {
			return false
		}
	}
	return true
}

// openAPI describes the service, with the columns of its model.
func (s *Service) openAPI() map[string]any {
	type o = map[string]any
	moment := o{"oneOf": []any{o{"type": "number"}, o{"type": "string", "format": "date-time"}},
		"description": "in the units of the column " + s.model.Time + ", or a date if it has dates"}
	moments := o{"type": "array", "items": moment, "maxItems": s.opt.MaxTimes}
	byName := func(names []string, of o) o {
		p := o{}
		for _, n := range names {
			p[n] = of
		}
		return o{"type": "object", "properties": p, "required": names, "additionalProperties": false}
	}
	numbers := o{"type": "array", "items": o{"type": "number"}}
	failure := func(text string) o {
		return o{"description": text, "content": o{"application/json": o{"schema": o{"$ref": "#/components/schemas/Error"}}}}
	}
	request := o{
		"times": moments, "until": moment, "every": o{"type": "number", "exclusiveMinimum": 0},
		"from": byName(s.model.States, o{"type": "number"}), "from_time": moment,
		"trajectory": o{"type": "string", "description": "whose data the forecast goes on from, if there is no from"},
	}
	if len(s.model.Controls) > 0 {
		request["controls"], request["control_times"] = byName(s.model.Controls, numbers), moments
	}
	answer := func(text, kind string, schema o) o {
		return o{"200": o{"description": text, "content": o{kind: o{"schema": schema}}}}
	}
	predict := answer("the forecast", "application/json", o{"$ref": "#/components/schemas/Answer"})
	predict["400"], predict["413"] = failure("the request makes no sense"), failure("the request is too long")
	predict["422"], predict["503"] = failure("there is no such prediction: the solution ends before"), failure("too many requests, or it took too long")
	return o{
		"openapi": "3.1.0",
		"info":    o{"title": "neuralode: a model of " + s.model.Info.File, "version": "1", "description": s.model.Verdict},
		"paths": o{
			"/predict": o{"post": o{"operationId": "predict", "summary": "A forecast from the end of the data or from any state",
				"requestBody": o{"required": true, "content": o{"application/json": o{"schema": o{"$ref": "#/components/schemas/Request"}}}}, "responses": predict}},
			"/model":   o{"get": o{"operationId": "model", "summary": "What the model is", "responses": answer("columns, figures and ranges", "application/json", o{"type": "object"})}},
			"/health":  o{"get": o{"operationId": "health", "summary": "Whether requests are taken", "responses": answer("they are", "application/json", o{"type": "object"})}},
			"/metrics": o{"get": o{"operationId": "metrics", "summary": "Counts and times, for Prometheus", "responses": answer("text format 0.0.4", "text/plain", o{"type": "string"})}},
		},
		"components": o{"schemas": o{
			"Request": o{"type": "object", "properties": request, "additionalProperties": false},
			"Answer": o{"type": "object", "required": []string{"times", "states"}, "properties": o{
				"times": numbers, "dates": o{"type": "array", "items": o{"type": "string", "format": "date-time"}},
				"states": byName(s.model.States, numbers), "low": byName(s.model.States, numbers), "high": byName(s.model.States, numbers),
			}},
			"Error": o{"type": "object", "required": []string{"error"}, "properties": o{"error": o{"type": "string"}}},
		}},
	}
}
