// A person at the console: watches a deployment to its end, reads and filters lines, walks through the drawing and a
// pipeline's run, in light and dark, on a phone and by keyboard. Prints "done".
//
// CONSOLE_URL, CONSOLE_APP (its service), CONSOLE_RUN (a run's number); CONSOLE_SHOTS, a folder for screenshots.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const url = process.env.CONSOLE_URL;
const shots = process.env.CONSOLE_SHOTS;
const appPath = `/apps/wharf/${process.env.CONSOLE_APP}`;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args: flags });
const page = await browser.newPage();
const complaints = [];
page.on("console", (message) => message.type() === "error" && !/status of 404/.test(message.text()) && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("dialog", (dialog) => (dialog.type() === "confirm" ? dialog.accept() : complaints.push(`dialog: ${dialog.message()}`) && dialog.dismiss()));
page.on("request", (request) => {
  if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`request to ${request.url()}`);
});

const go = (path) => page.goto(`${url}${path}`, { waitUntil: "domcontentloaded" });
const text = () => page.evaluate(() => document.body.innerText);
const until = (what, look, ...values) => page.waitForFunction(look, { timeout: 180000, polling: 100 }, ...values).catch(async () => {
  throw new Error(`never came: ${what}\n${await text()}`);
});
const shot = (name) => shots && page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });

async function check(name) {
  // The page's own policy lets no script in; the tester's goes around it.
  const { violations } = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
  const serious = violations.filter((it) => ["serious", "critical"].includes(it.impact));
  const found = serious.map((it) => `${it.id}: ${it.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | ")} ${it.nodes[0].failureSummary}`);
  assert.deepEqual(found, [], `axe on ${name}`);
}

async function deployment() {
  await go(appPath);
  await until("a steady application", () => document.querySelector("#deployment .badge")?.textContent === "steady");
  const before = await page.$$eval("#deployment .chip code", (all) => all.map((it) => it.textContent));
  await Promise.all([page.waitForNavigation(), page.evaluate(() => [...document.querySelectorAll("#actions button")].find((it) => it.textContent === "Redeploy").click())]);
  await page.evaluate(() => {
    window.watched = { lanes: new Set(), waits: new Set(), chips: new Set(), badges: new Set() };
    const look = () => {
      for (const it of document.querySelectorAll(".lane-head b")) watched.lanes.add(it.textContent);
      for (const it of document.querySelectorAll(".waits li")) watched.waits.add(it.textContent.replace(/Task \w+/, "Task"));
      for (const it of document.querySelectorAll(".chip span")) watched.chips.add(it.textContent);
      for (const it of document.querySelectorAll("#summary .badge")) watched.badges.add(it.textContent);
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await until("a deployment", () => watched.lanes.has("Old") && watched.lanes.has("New"));
  await shot("deployment");
  await until("its end", () => document.querySelector("#deployment .badge")?.textContent === "steady" && document.querySelectorAll(".lane").length === 1 && !document.querySelector(".waits"));
  const watched = await page.evaluate(() => Object.fromEntries(Object.entries(window.watched).map(([name, all]) => [name, [...all]])));
  const after = await page.$$eval("#deployment .chip code", (all) => all.map((it) => it.textContent));
  console.log(JSON.stringify(watched, null, 1));
  assert.ok(watched.badges.includes("Deploying"));
  assert.ok(watched.waits.some((it) => /counts as healthy after/.test(it)), "the health checks were told");
  assert.ok(watched.waits.some((it) => /deregistration delay|told to stop/.test(it)), "the end was told");
  assert.ok(after.length === before.length && !after.some((it) => before.includes(it)), `${before} became ${after}`);
}

async function measurements() {
  await go(appPath);
  // Within two minutes of the first measurement, as a minute has to be full.
  for (const plot of [/^CPU: average now/, /^Memory: average now/, /^Requests: requests now/]) {
    await until(`${plot}`, (plot) => [...document.querySelectorAll("#plots svg")].some((it) => new RegExp(plot).test(it.ariaLabel) && it.querySelector("polyline")), plot.source);
  }
  await shot("plots");
}

async function log() {
  await go(appPath);
  await until("lines", () => document.querySelectorAll(".log-line").length > 2);
  const last = () => page.$eval(".log-line:last-child", (it) => it.textContent);
  const first = await last();
  await until("the next line", (old) => document.querySelector(".log-line:last-child").textContent !== old, first);
  const seen = await page.$eval("#log", (it) => [it.querySelectorAll("b, img, script").length, it.textContent]);
  assert.equal(seen[0], 0, "a line's markup is text");
  assert.match(seen[1], /<b>bold<\/b> red/);
  // What is typed stays while lines arrive.
  await page.type("#filter", "seven");
  await new Promise((done) => setTimeout(done, 2500));
  assert.equal(await page.evaluate(() => document.activeElement.value), "seven");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await until("filtered lines", () => document.querySelectorAll(".log-line").length > 0);
  const lines = await page.$$eval(".log-line", (all) => all.map((it) => it.textContent));
  assert.ok(lines.every((it) => it.includes("seven")), lines.join("\n"));
  await check("filtered log");
}

async function drawing() {
  await go("/map");
  await shot("map");
  const nodes = await page.$$eval(".drawing a", (all) => all.map((it) => [it.dataset.key, it.textContent]));
  for (const kind of [/load balancer/, /task/, /public subnet/, /Internet gateway/, /10\.77\.0\.0\/16/]) {
    const found = nodes.find(([, label]) => kind.test(label));
    assert.ok(found, `${kind} is drawn: ${nodes.join("; ")}`);
    const click = page.evaluate((key) => document.querySelector(`.drawing a[data-key="${CSS.escape(key)}"]`).dispatchEvent(new MouseEvent("click", { bubbles: true })), found[0]);
    await Promise.all([page.waitForNavigation(), click]);
    assert.ok((await page.$eval(".detail", (it) => it.innerText.length)) > 20);
  }
  // By keyboard.
  await go("/map");
  await page.focus(".drawing");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.closest("svg") !== null), true);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.ok(await page.$(".detail"));
  assert.equal(await page.$$eval(".drawing img, .drawing script", (all) => all.length), 0);
  assert.match(await page.$eval(".drawing", (it) => it.textContent), /<img src=x/);
}

async function run() {
  await go("/pipelines");
  await shot("pipelines");
  await Promise.all([page.waitForNavigation(), page.click("#runs li a")]);
  await until("a run that is over", () => /success/.test(document.querySelector("#summary .badge").textContent));
  const seen = await text();
  assert.match(seen, /<script>alert/);
  assert.match(seen, /said by a step/);
  await shot("run");
}

const pages = ["", appPath, "/map", "/pipelines", `/pipelines/${process.env.CONSOLE_RUN}`, "/logs", "/alarms", "/nothing"];

async function looks() {
  for (const theme of ["light", "dark"]) {
    // What fades in has its colours only at the end.
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }, { name: "prefers-reduced-motion", value: "reduce" }]);
    for (const path of pages) {
      await go(path);
      await until("a live page", () => document.documentElement.dataset.link === "live" || !document.querySelector("main[data-live]"));
      await check(`${path} ${theme}`);
      await shot(`${theme}${path.replaceAll("/", "-") || "-home"}`);
    }
  }
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
  for (const width of [320, 400]) {
    await page.setViewport({ width, height: 780, isMobile: true });
    for (const path of pages) {
      await go(path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} pixels too wide at ${width}`);
      if (width === 400) await shot(`phone${path.replaceAll("/", "-") || "-home"}`);
    }
    await check(`phone ${width}`);
  }
  await page.setViewport({ width: 1280, height: 900 });
}

async function withoutScript() {
  await page.setJavaScriptEnabled(false);
  await go("");
  await Promise.all([page.waitForNavigation(), page.click("#apps h2 a")]);
  await Promise.all([page.waitForNavigation(), page.click(".zooms a:last-child")]);
  assert.match(page.url(), /zoom=1d/);
  await Promise.all([page.waitForNavigation(), page.click("header .tools button")]);
  assert.match(await page.content(), /data-theme="dark"/);
  await page.setJavaScriptEnabled(true);
}

try {
  await page.setViewport({ width: 1280, height: 900 });
  await go("");
  await until("the application", () => document.querySelector("#apps .badge")?.textContent === "Healthy");
  await deployment();
  await log();
  await drawing();
  await run();
  await measurements();
  await looks();
  await withoutScript();
  assert.deepEqual(complaints, []);
  console.log("done");
} finally {
  await browser.close();
}
