// Points of a run in growing typed arrays: they arrive in batches, each once.

class Series {
  constructor() {
    this.values = new Float32Array(256);
    this.length = 0;
  }
  extend(values, missing) {
    const needed = missing + values.length;
    if (needed > this.values.length) {
      const larger = new Float32Array(Math.max(needed, 2 * this.values.length));
      larger.set(this.values.subarray(0, this.length));
      this.values = larger;
    }
    this.values.fill(NaN, this.length, missing);
    this.values.set(values, missing);
    this.length = needed;
  }
}

class Run {
  constructor() {
    this.clear(-1);
  }
  clear(generation) {
    this.generation = generation;
    this.axes = { steps: new Series(), seconds: new Series() };
    this.losses = new Map();
  }
  get length() {
    return this.axes.steps.length;
  }
  // False where points before these were missed.
  take({ generation, start, names, count }, data) {
    if (generation !== this.generation) this.clear(generation);
    if (start > this.length) return false;
    ["steps", "seconds"].forEach((axis, index) => {
      this.axes[axis].length = start;
      this.axes[axis].extend(data.subarray(index * count, (index + 1) * count), start);
    });
    names.forEach((name, index) => {
      if (!this.losses.has(name)) this.losses.set(name, new Series());
      const series = this.losses.get(name);
      series.length = Math.min(series.length, start);
      series.extend(data.subarray((index + 2) * count, (index + 3) * count), start);
    });
    return true;
  }
  // The point whose place on an axis comes nearest.
  nearest(place, axis) {
    const { values, length } = this.axes[axis];
    let low = 0;
    let high = length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < place) low = middle + 1;
      else high = middle;
    }
    return low > 0 && place - values[low - 1] < values[low] - place ? low - 1 : low;
  }
}
