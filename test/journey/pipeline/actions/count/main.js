const fs = require("fs"), os = require("os");
const n = Number(process.env.INPUT_START) + 1;
fs.appendFileSync(process.env.GITHUB_OUTPUT, `next=${n}${os.EOL}`);
fs.appendFileSync(process.env.GITHUB_STATE, `seen=${n}${os.EOL}`);
console.log(`::notice title=Count::counted ${n} dry=${process.env["INPUT_DRY-RUN"]}`);
