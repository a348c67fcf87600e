package forecast

import "math"

// Start returns the time and the state from which a member's solve of a trajectory begins; ok is
// false for trajectories that were held out as a whole.
func (m *Model) Start(member, trajectory int) (t float64, state []float64, ok bool) {
	for k, a := range m.anchors {
		if a.trajectory == trajectory {
			return m.times[k], m.starts[member][k], true
		}
	}
	return 0, nil, false
}

// history returns the losses as rows of equal length.
func (m *Model) history() (rows []float64, longest int) {
	for _, l := range m.Losses {
		longest = max(longest, len(l))
	}
	for k := range m.members {
		row := make([]float64, longest)
		for i := range row {
			row[i] = math.NaN()
		}
		if k < len(m.Losses) {
			copy(row, m.Losses[k])
			for i, v := range row {
				if math.IsInf(v, 0) {
					row[i] = math.NaN()
				}
			}
		}
		rows = append(rows, row...)
	}
	return rows, longest
}

// setHistory is the inverse of history.
func (m *Model) setHistory(rows []float64, members int) {
	width := len(rows) / max(1, members)
	for k := range members {
		row := rows[k*width : (k+1)*width]
		for len(row) > 0 && math.IsNaN(row[len(row)-1]) {
			row = row[:len(row)-1]
		}
		m.Losses = append(m.Losses, row)
	}
}
