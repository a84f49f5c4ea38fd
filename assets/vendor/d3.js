// d3-scale and what it needs, as their packages ship them: each adds its functions to globalThis.d3.
import "./d3-array/d3-array.min.js";
import "./d3-color/d3-color.min.js";
import "./d3-format/d3-format.min.js";
import "./d3-interpolate/d3-interpolate.min.js";
import "./d3-time/d3-time.min.js";
import "./d3-time-format/d3-time-format.min.js";
import "./d3-scale/d3-scale.min.js";

export const { extent, format, quantile, scaleLinear, scaleLog, ticks } = globalThis.d3;
