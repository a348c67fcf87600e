package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/forecast"
)

// Request is the JSON of POST /predict. Times are numbers in the units of the table's time column,
// of its clock where it has dates; or dates in RFC 3339 for such models.
type Request struct {
	// Times are when states are wanted. Instead, Until and Every say it: from the start on.
	Times []Moment `json:"times,omitempty"`
	Until *Moment  `json:"until,omitempty"`
	Every float64  `json:"every,omitempty"`

	// From is the initial state, a number for each state column by its name. Without it the forecast goes
	// on from the end of the data of Trajectory, the name in its id column.
	From       map[string]float64 `json:"from,omitempty"`
	FromTime   *Moment            `json:"from_time,omitempty"` // default: the first time, or the start of the data
	Trajectory string             `json:"trajectory,omitempty"`

	// Controls are the inputs, for each control column a number for each of ControlTimes.
	ControlTimes []Moment             `json:"control_times,omitempty"`
	Controls     map[string][]float64 `json:"controls,omitempty"`
}

// Moment is a time in a Request: a number, or a date.
type Moment struct {
	Number float64
	Date   time.Time // if not zero
}

// UnmarshalJSON reads a number or a date.
func (m *Moment) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &m.Date)
	}
	return json.Unmarshal(data, &m.Number)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (m Moment) MarshalJSON() ([]byte, error) {
	if !m.Date.IsZero() {
		return json.Marshal(m.Date)
	}
	return json.Marshal(m.Number)
}

// Answer is the JSON that answers a Request.
type Answer struct {
	Times  []float64            `json:"times"`
	Dates  []time.Time          `json:"dates,omitempty"` // of Times, for models that have dates
	States map[string][]float64 `json:"states"`          // the forecast
	Low    map[string][]float64 `json:"low,omitempty"`   // the 90 % band of an ensemble
	High   map[string][]float64 `json:"high,omitempty"`
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", forecast.ErrQuery, fmt.Sprintf(format, args...))
}

// read decodes a request and makes a query of it.
func (s *Service) read(body io.Reader) (q forecast.Query, err error) {
	var r Request
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return q, fmt.Errorf("the request is no JSON of the kind that openapi.json describes: %w", err)
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("something follows")
		}
		return q, fmt.Errorf("after the request: %w", err)
	}
	return s.query(&r)
}

// Query is what a request asks of a model, for no more than so many times.
func (r *Request) Query(m *forecast.Model, maxTimes int) (forecast.Query, error) {
	s := &Service{model: m, opt: ServiceOptions{MaxTimes: maxTimes}}
	return s.query(r)
}

// query makes a query of a request.
func (s *Service) query(r *Request) (q forecast.Query, err error) {
	m := s.model
	if r.Trajectory != "" {
		q.Trajectory = slices.IndexFunc(m.Trajectories, func(t forecast.Trajectory) bool { return t.ID == r.Trajectory })
		if q.Trajectory < 0 {
			return q, bad("there is no trajectory %q; the model has %d", r.Trajectory, len(m.Trajectories))
		}
	}
	if r.From != nil {
		for _, name := range m.States {
			v, ok := r.From[name]
			if !ok {
				return q, bad("from has no %q; it needs a number for each of %q", name, m.States)
			}
			q.From = append(q.From, v)
		}
		if len(r.From) != len(m.States) {
			return q, bad("from has %d numbers; it needs one for each of %q", len(r.From), m.States)
		}
	}
	if q.Times, err = s.moments(r.Times); err != nil {
		return q, err
	}
	if r.FromTime != nil {
		if q.FromTime, err = s.moment(*r.FromTime); err != nil {
			return q, err
		}
		if r.From == nil {
			return q, bad("from_time without from")
		}
	} else if len(q.Times) > 0 {
		q.FromTime = q.Times[0]
	} else if t := m.Trajectories[q.Trajectory]; len(t.Times) > 0 {
		q.FromTime = t.Times[0]
	}
	if r.Until != nil {
		if len(q.Times) > 0 {
			return q, bad("times and until; say one of them")
		}
		start := q.FromTime
		if r.From == nil {
			start = m.Trajectories[q.Trajectory].End
		}
		until, err := s.moment(*r.Until)
		if err != nil {
			return q, err
		}
		if q.Times, err = s.grid(start, until, r.Every); err != nil {
			return q, err
		}
	} else if r.Every != 0 {
		return q, bad("every without until")
	}
	if len(q.Times) > s.opt.MaxTimes || len(r.ControlTimes) > s.opt.MaxTimes {
		return q, bad("%d times and %d control_times; at most %d", len(q.Times), len(r.ControlTimes), s.opt.MaxTimes)
	}
	q.Controls, err = s.controls(*r)
	return q, err
}

// grid are the times from a start to an end, which is one of them.
func (s *Service) grid(start, until, every float64) ([]float64, error) {
	span := until - start
	if every == 0 {
		every = math.Abs(span) / 100
	}
	n := math.Abs(span) / every
	switch {
	case !(every > 0) || math.IsInf(every, 0) || math.IsNaN(n) || math.IsInf(span, 0):
		return nil, bad("every %v until %v from %v", every, until, start)
	case span == 0:
		return []float64{start}, nil
	case n > float64(s.opt.MaxTimes-2):
		return nil, bad("every %v until %v gives more than %d times", every, until, s.opt.MaxTimes)
	}
	step := math.Copysign(every, span)
	var times []float64
	for k := range int(n*(1+1e-12)) + 1 {
		times = append(times, start+float64(k)*step)
	}
	if last := times[len(times)-1]; math.Abs(until-last) > 1e-9*every {
		times = append(times, until)
	}
	for i := 1; i < len(times); i++ {
		if times[i] == times[i-1] {
			return nil, bad("every %v is less than the distance of two numbers near %v", every, start)
		}
	}
	return times, nil
}

func (s *Service) moments(all []Moment) ([]float64, error) {
	var times []float64
	for _, m := range all {
		t, err := s.moment(m)
		if err != nil {
			return nil, err
		}
		times = append(times, t)
	}
	return times, nil
}

// moment is a time as the model counts it.
func (s *Service) moment(m Moment) (float64, error) {
	if m.Date.IsZero() {
		return m.Number, nil
	}
	c := s.model.Clock
	if c == nil {
		return 0, bad("the date %v for a model whose times are numbers", m.Date.Format(time.RFC3339))
	}
	seconds := float64(m.Date.Unix()-c.Origin.Unix()) + float64(m.Date.Nanosecond()-c.Origin.Nanosecond())*1e-9
	return seconds / c.Unit.Seconds(), nil
}

// controls joins the columns to the rows of a query.
func (s *Service) controls(r Request) (u train.Controls[float64], err error) {
	if u.Times, err = s.moments(r.ControlTimes); err != nil {
		return u, err
	}
	if len(r.Controls) == 0 {
		if len(u.Times) > 0 {
			return u, bad("control_times without controls")
		}
		return u, nil
	}
	if len(u.Times) == 0 {
		// Constant inputs need no times.
		u.Times = []float64{0}
	}
	for range u.Times {
		u.Values = append(u.Values, make([]float64, len(s.model.Controls))...)
	}
	for j, name := range s.model.Controls {
		v, ok := r.Controls[name]
		if !ok {
			return u, bad("controls has no %q; it needs each of %q", name, s.model.Controls)
		}
		if len(v) != len(u.Times) {
			return u, bad("%d values of %q at %d control_times", len(v), name, len(u.Times))
		}
		for i := range v {
			u.Values[i*len(s.model.Controls)+j] = v[i]
		}
	}
	if len(r.Controls) != len(s.model.Controls) {
		return u, bad("controls of %d names; the model has %q", len(r.Controls), s.model.Controls)
	}
	return u, nil
}

// AnswerOf writes a prediction by columns.
func AnswerOf(m *forecast.Model, p *forecast.Prediction) Answer {
	a := Answer{Times: p.Times, States: columns(p.States, p.Values), Low: columns(p.States, p.Low), High: columns(p.States, p.High)}
	if m.Clock != nil {
		for _, t := range p.Times {
			a.Dates = append(a.Dates, m.Clock.At(t))
		}
	}
	return a
}

func columns(names []string, values []float64) map[string][]float64 {
	if values == nil {
		return nil
	}
	c := map[string][]float64{}
	for j, name := range names {
		for i := j; i < len(values); i += len(names) {
			c[name] = append(c[name], values[i])
		}
	}
	return c
}
