// What pdf.js (the reader of Firefox) finds in PDFs: one line of JSON for each.
//   node read.mjs PDFJS FILE.pdf ...    PDFJS: the path of pdfjs-dist/legacy/build/pdf.mjs
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module, ...files] = process.argv.slice(2);
const pdfjs = await import(pathToFileURL(module));

// Elements and, in their place, the text of marked content: {role, lang, alt, kids} and strings.
function element(node, texts) {
  if (node.type === "content") return texts.get(node.id) ?? null;
  return { role: node.role, lang: node.lang, alt: node.alt, kids: node.children.map((kid) => element(kid, texts)) };
}

async function page(of) {
  const { items } = await of.getTextContent({ includeMarkedContent: true, disableNormalization: true });
  const texts = new Map();
  const open = [];
  let all = "";
  for (const item of items) {
    if (item.type === "endMarkedContent") {
      open.pop();
    } else if (item.type) {
      const id = item.id ?? open.at(-1); // a Span within is of what it stands in
      if (item.id) texts.set(id, texts.get(id) ?? "");
      open.push(id);
    } else {
      const text = item.str + (item.hasEOL ? "\n" : "");
      all += text;
      if (open.at(-1)) texts.set(open.at(-1), texts.get(open.at(-1)) + text);
    }
  }
  await of.getOperatorList(); // fonts and images are read for this
  return { text: all, tree: element(await of.getStructTree(), texts) };
}

const titles = (outline) => (outline ?? []).flatMap((entry) => [entry.title, ...titles(entry.items)]);

for (const file of files) {
  const warnings = [];
  // It misses a canvas, which only drawing needs: that is no fault of the file.
  console.log = console.warn = (...what) => what.join(" ").includes("Cannot polyfill") || warnings.push(what.join(" "));
  const found = { file, version: pdfjs.version, warnings };
  try {
    const task = pdfjs.getDocument({
      data: new Uint8Array(readFileSync(file)), verbosity: pdfjs.VerbosityLevel.WARNINGS, stopAtErrors: true,
    });
    const document = await task.promise;
    const { info, metadata } = await document.getMetadata();
    found.title = info.Title;
    found.language = info.Language;
    found.xmp = metadata.getAll();
    found.marked = await document.getMarkInfo();
    found.bookmarks = titles(await document.getOutline());
    found.attachments = Object.fromEntries(
      Object.entries((await document.getAttachments()) ?? {}).map(([name, { content }]) => [name, Buffer.from(content).toString("base64")]),
    );
    found.pages = [];
    for (let number = 1; number <= document.numPages; ++number) found.pages.push(await page(await document.getPage(number)));
    await task.destroy();
  } catch (error) {
    warnings.push(String(error));
  }
  process.stdout.write(JSON.stringify(found) + "\n");
}
