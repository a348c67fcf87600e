"""Reads a folder of event files by TensorBoard's own reader and prints what is there as JSON."""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0})
events.Reload()
tags = events.Tags()
json.dump(
    {
        "version": events.file_version,
        "scalars": {t: [[e.step, e.value, e.wall_time] for e in events.Scalars(t)] for t in tags["scalars"]},
        "histograms": {
            t: [
                [e.step, e.histogram_value.min, e.histogram_value.max, e.histogram_value.num, e.histogram_value.sum, e.histogram_value.sum_squares,
                 list(e.histogram_value.bucket_limit), list(e.histogram_value.bucket)]
                for e in events.Histograms(t)
            ]
            for t in tags["histograms"]
        },
    },
    sys.stdout,
)
