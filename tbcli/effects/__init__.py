"""Which settings of many runs mattered for a metric, by how much, and which differences are no more than noise."""
