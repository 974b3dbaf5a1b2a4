// Redraws the diagram whenever the authorization has come a step further, and the page when it is connected or no longer.
const figure = document.getElementById("flow");
const [narrow, wide] = figure.querySelectorAll("source, img");
let drawn = wide.getAttribute("src");

async function look() {
  try {
    const flow = await (await fetch("/flow.json")).json();
    if (String(flow.connected) !== figure.dataset.connected) {
      location.replace("/");
      return;
    }
    if (flow.picture !== drawn) {
      drawn = flow.picture;
      figure.hidden = !drawn;
      if (drawn) {
        narrow.srcset = `${drawn}&form=tall`;
        wide.src = drawn;
        wide.alt = flow.in_words;
      }
    }
  } catch {
    // The demo was stopped, or is busy: the next look tells.
  }
  setTimeout(look, 700);
}

// What only a running script can promise.
for (const promise of document.querySelectorAll(".live")) promise.hidden = false;
look();
