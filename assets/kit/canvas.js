// canvas.js: small things drawn on a 2D context.

/** Give `canvas` as many device pixels as `width` × `height` CSS pixels have; returns their ratio. */
export function resize(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  return ratio;
}

/** The context of `canvas`, resized and in CSS pixels; it is cleared only by a new size. */
export function sized(canvas, width, height) {
  const ratio = resize(canvas, width, height);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** `sized` for a canvas that no style sizes, and cleared. */
export function surface(canvas, width, height) {
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = sized(canvas, width, height);
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  return context;
}

/** A dot with a rim. */
export function disc(c, x, y, radius, fill, rim) {
  c.beginPath();
  c.arc(x, y, radius, 0, 2 * Math.PI);
  c.fillStyle = fill;
  c.fill();
  c.strokeStyle = rim;
  c.lineWidth = 1.5;
  c.stroke();
}

/** A mark of the shape "dot", "ring" or "diamond". */
export function mark(c, x, y, radius, colour, shape) {
  c.fillStyle = c.strokeStyle = colour;
  c.lineWidth = 0.6 * radius;
  c.beginPath();
  if (shape === "diamond") for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) c.lineTo(x + 1.2 * radius * dx, y + 1.2 * radius * dy);
  else c.arc(x, y, shape === "ring" ? 0.8 * radius : radius, 0, 2 * Math.PI);
  if (shape === "ring") c.stroke();
  else c.fill();
}

/** Text that runs upwards, centred on (x, y). */
export function sideways(c, text, x, y) {
  c.save();
  c.translate(x, y);
  c.rotate(-Math.PI / 2);
  c.textAlign = "center";
  c.fillText(text, 0, 0);
  c.restore();
}

/** `text`, shortened to `width` pixels. */
export function fitted(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  let kept = text;
  while (kept && c.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return kept ? `${kept.trimEnd()}…` : "";
}

/** Text in lines of `width` pixels at most, centred on `middle`. */
export function wrapped(c, text, x, middle, width, height) {
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && c.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  lines.forEach((line, i) => c.fillText(line, x, middle + (i - (lines.length - 1) / 2) * height, width));
}

/** Pixels as a small canvas of `width` × `height`, to be drawn at any size; `paint` fills its RGBA bytes. */
export function raster(width, height, paint, canvas = document.createElement("canvas")) {
  const image = new ImageData(width, height);
  paint(image.data, image);
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
