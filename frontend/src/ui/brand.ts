// The mark and the wordmark, as geometry: the pages draw it as SVG, the icon script rasterises it.
// The mark is a "p" whose bowl is a speech bubble and whose stem is the bubble's tail.

/** In a box of 64. The ring is drawn as outer minus inner (even-odd). */
export const MARK = {
  box: 64,
  bowl: { cx: 34.5, cy: 27, outer: 17.5, inner: 8 },
  /** Stem that tapers into the tail of the bubble. */
  stem: [
    [17, 27],
    [17, 55.5],
    [28.5, 43.4],
    [26.4, 27],
  ],
} as const;

export const MARK_COLOURS = { paper: '#0e5a63', ink: '#f3fbfa' } as const;

const { bowl, stem } = MARK;

const circle = (r: number): string =>
  `M${bowl.cx - r} ${bowl.cy}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;

/** Bowl and stem as one even-odd path; they meet without overlapping inside the hole. */
export const MARK_RING = circle(bowl.outer) + circle(bowl.inner);
export const MARK_STEM = `M${stem.map(([x, y]) => `${x} ${y}`).join('L')}Z`;

/** Monoline letters in a box of 208 × 64, x-height 24, drawn with a stroke of 6.5. */
export const WORDMARK = {
  width: 206,
  height: 64,
  stroke: 6.6,
  letters: [
    // p, the mark's own shape in line
    'M8 52V28M8 28a12 12 0 1 1 12 12c-6.6 0-12-5.4-12-12Z',
    // a
    'M66 28a12 12 0 1 1-24 0a12 12 0 0 1 24 0ZM66 16v24',
    // r
    'M79 40V16M79 28c0-7 4.5-12 12-12',
    // l
    'M102 4v30c0 4 2 6 6 6',
    // e
    'M119 29h23.5c.4-7.5-4.5-13-11.7-13a12 12 0 1 0 8.6 20.5',
    // y
    'M152 16l11.5 23M175 16l-16 36',
  ],
} as const;
