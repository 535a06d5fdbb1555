// The icons of both sites, from the one drawing of the mark: SVG as it is, PNG rasterised by sampling.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MARK, MARK_COLOURS, MARK_RING, MARK_STEM } from '../src/ui/brand.ts';
import { encodePng } from './png.ts';

/** Corner radius of the plate, in parts of its side. */
const PLATE_RADIUS = 0.235;
/** Samples per pixel and direction. */
const SAMPLES = 4;

function iconSvg(): string {
  const { box } = MARK;
  const { paper, ink } = MARK_COLOURS;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${box} ${box}">` +
    `<rect width="${box}" height="${box}" rx="${(box * PLATE_RADIUS).toFixed(1)}" fill="${paper}"/>` +
    `<g fill="${ink}" transform="translate(${box / 2} ${box / 2}) scale(0.82) translate(${-CENTRE.x} ${-CENTRE.y})">` +
    `<path fill-rule="evenodd" d="${MARK_RING}"/><path d="${MARK_STEM}"/></g></svg>\n`
  );
}

/** Of the mark's own outline, so that it sits in the middle of the plate. */
const CENTRE = { x: MARK.bowl.cx, y: (MARK.bowl.cy - MARK.bowl.outer + 55.5) / 2 };

function inMark(x: number, y: number): boolean {
  const distance = Math.hypot(x - MARK.bowl.cx, y - MARK.bowl.cy);
  if (distance <= MARK.bowl.outer && distance >= MARK.bowl.inner) return true;
  let inside = false;
  const points = MARK.stem;
  for (let i = 0, j = points.length - 1; i < points.length; j = i, i += 1) {
    const [xi = 0, yi = 0] = points[i] ?? [];
    const [xj = 0, yj = 0] = points[j] ?? [];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

function inPlate(u: number, v: number): boolean {
  const reach = 0.5 - PLATE_RADIUS;
  const dx = Math.max(Math.abs(u - 0.5) - reach, 0);
  const dy = Math.max(Math.abs(v - 0.5) - reach, 0);
  return Math.hypot(dx, dy) <= PLATE_RADIUS;
}

const rgb = (hex: string): [number, number, number] => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];

/** `scale` is the size of the mark in parts of its drawing; a maskable icon has no corners of its own. */
function iconPng(size: number, scale: number, maskable: boolean): Buffer {
  const paper = rgb(MARK_COLOURS.paper);
  const ink = rgb(MARK_COLOURS.ink);
  const pixels = new Uint8Array(size * size * 4);
  for (let py = 0; py < size; py += 1) {
    for (let px = 0; px < size; px += 1) {
      let plate = 0;
      let mark = 0;
      for (let s = 0; s < SAMPLES * SAMPLES; s += 1) {
        const u = (px + ((s % SAMPLES) + 0.5) / SAMPLES) / size;
        const v = (py + (Math.floor(s / SAMPLES) + 0.5) / SAMPLES) / size;
        if (!maskable && !inPlate(u, v)) continue;
        plate += 1;
        if (inMark(((u - 0.5) * MARK.box) / scale + CENTRE.x, ((v - 0.5) * MARK.box) / scale + CENTRE.y)) mark += 1;
      }
      const at = (py * size + px) * 4;
      const share = plate === 0 ? 0 : mark / plate;
      for (let c = 0; c < 3; c += 1) pixels[at + c] = Math.round((paper[c] ?? 0) * (1 - share) + (ink[c] ?? 0) * share);
      pixels[at + 3] = Math.round((plate / (SAMPLES * SAMPLES)) * 255);
    }
  }
  return encodePng(size, size, pixels);
}

export async function writeIcons(outDir: string, png: boolean): Promise<void> {
  await mkdir(outDir, { recursive: true });
  await writeFile(join(outDir, 'icon.svg'), iconSvg());
  if (!png) return;
  await Promise.all([
    writeFile(join(outDir, 'icon-192.png'), iconPng(192, 0.82, false)),
    writeFile(join(outDir, 'icon-512.png'), iconPng(512, 0.82, false)),
    // The safe zone of a maskable icon is the middle 80 %.
    writeFile(join(outDir, 'icon-maskable-512.png'), iconPng(512, 0.66, true)),
    writeFile(join(outDir, 'icon-180.png'), iconPng(180, 0.74, true)),
  ]);
}
