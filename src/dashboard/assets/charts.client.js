// Charts of calls, errors and latency; each second adds a point.
const maxPoints = 180;

const charts = {
  calls: [{ key: "calls", label: "calls/s", color: "--accent", fill: true }],
  errors: [{ key: "errors", label: "errors/s", color: "--bad", fill: true }],
  latency: [
    { key: "p50", label: "p50", color: "--accent" },
    { key: "p99", label: "p99", color: "--warm", dash: [5, 3] },
  ],
};

export function openCharts() {
  const figures = [...document.querySelectorAll("[data-chart]")];
  if (figures.length === 0) return () => {};
  const points = [];
  let plots = [];
  const draw = () => {
    for (const { plot } of plots) plot.destroy();
    plots = figures.map((figure) => ({ figure, plot: makePlot(figure, points) }));
  };
  draw();
  new ResizeObserver(() => {
    for (const { figure, plot } of plots) plot.setSize(sizeOf(figure));
  }).observe(document.querySelector(".charts"));
  document.addEventListener("themechange", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return (added) => {
    for (const point of added) if (point.time > (points.at(-1)?.time ?? 0)) points.push(point);
    points.splice(0, points.length - maxPoints);
    for (const { figure, plot } of plots) {
      plot.setData(dataOf(figure.dataset.chart, points));
      tellNow(figure, points.at(-1));
    }
  };
}

function tellNow(figure, point) {
  const series = charts[figure.dataset.chart];
  const texts = series.map(({ key, label }) => {
    const value = point?.[key];
    const text = value === null || value === undefined ? "–" : shortNumber(value);
    return series.length > 1 ? `${label} ${text}` : text;
  });
  const now = figure.querySelector("[data-now]");
  const spans = texts.map((text, at) => {
    const span = document.createElement("span");
    span.textContent = text;
    if (series.length > 1) span.className = `series-${at}`;
    return span;
  });
  now.replaceChildren(...spans);
  const caption = figure.querySelector("b").textContent;
  const told = `${caption} over the last minutes, now ${texts.join(", ")}`;
  figure.querySelector(".plot").setAttribute("aria-label", told);
  figure.dataset.points = String(Number(figure.dataset.points ?? 0) + 1);
}

function shortNumber(value) {
  if (value >= 1000) return `${(value / 1000).toFixed(1)}k`;
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(2);
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}

function dataOf(name, points) {
  return [
    points.map(({ time }) => time),
    ...charts[name].map(({ key }) => points.map((point) => point[key])),
  ];
}

function sizeOf(figure) {
  return { width: Math.max(120, figure.querySelector(".plot").clientWidth), height: 130 };
}

function makePlot(figure, points) {
  const name = figure.dataset.chart;
  const style = getComputedStyle(document.documentElement);
  const color = (variable) => style.getPropertyValue(variable).trim();
  const axis = {
    stroke: color("--quiet"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
  };
  // one pixel that is seen where nothing happens
  const range = (_, __, max) => [0, Math.max(name === "latency" ? 1 : 4, max * 1.15)];
  return new uPlot(
    {
      ...sizeOf(figure),
      padding: [8, 8, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      legend: { show: false },
      scales: { y: { range } },
      axes: [
        { ...axis, space: 80, size: 24, values: (_, all) => all.map(clock) },
        { ...axis, size: 38, space: 32, values: (_, all) => all.map(shortNumber) },
      ],
      series: [
        {},
        ...charts[name].map(({ label, color: variable, fill, dash }) => ({
          label,
          stroke: color(variable),
          width: 1.5,
          ...(fill ? { fill: `color-mix(in srgb, ${color(variable)} 14%, transparent)` } : {}),
          ...(dash ? { dash } : {}),
          // a second alone is a dot
          points: { show: name === "latency", size: 4, fill: color(variable) },
        })),
      ],
    },
    dataOf(name, points),
    figure.querySelector(".plot"),
  );
}
