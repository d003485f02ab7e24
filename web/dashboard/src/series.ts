export const WINDOW_S = 300;

// One point a second for the last five minutes; a second without a pulse is a gap in the line.
export class Series {
  readonly times: number[] = [];
  readonly lines: (number | null)[][];

  constructor(lines: number) {
    this.lines = Array.from({ length: lines }, () => []);
  }

  add(second: number, values: (number | null)[]): void {
    const last = this.times[this.times.length - 1];
    if (last !== undefined && second < last) return;
    if (second === last) {
      this.lines.forEach((line, at) => (line[line.length - 1] = values[at] ?? null));
      return;
    }
    if (last !== undefined && second > last + 2) this.push(last + 1, values.map(() => null));
    this.push(second, values);
    while (this.times.length > 0 && this.times[0]! < second - WINDOW_S) {
      this.times.shift();
      for (const line of this.lines) line.shift();
    }
  }

  private push(second: number, values: (number | null)[]): void {
    this.times.push(second);
    this.lines.forEach((line, at) => line.push(values[at] ?? null));
  }
}
