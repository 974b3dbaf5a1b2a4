// Redraws the diagram whenever the authorization has come a step further.
const figure = document.getElementById("flow");
const done = document.getElementById("done");
let drawn = -1;

async function look() {
  try {
    const flow = await (await fetch("/flow.json")).json();
    if (flow.steps !== drawn && flow.steps > 0) {
      drawn = flow.steps;
      figure.querySelector("img").src = `/flow.svg?steps=${flow.steps}`;
      figure.hidden = false;
    }
    if (done && flow.connected) done.hidden = false;
  } catch {
    // The demo was stopped, or is busy: the next look tells.
  }
  setTimeout(look, 700);
}

look();
