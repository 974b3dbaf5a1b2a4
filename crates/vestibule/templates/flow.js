// Redraws the diagram whenever the authorization has come a step further, and the page when it is connected or no longer.
const figure = document.getElementById("flow");
let drawn = -1;

async function look() {
  try {
    const flow = await (await fetch("/flow.json")).json();
    if (String(flow.connected) !== figure.dataset.connected) {
      location.replace("/");
      return;
    }
    if (flow.steps !== drawn && flow.steps > 0) {
      drawn = flow.steps;
      figure.querySelector("img").src = `/flow.svg?steps=${flow.steps}`;
      figure.hidden = false;
    }
  } catch {
    // The demo was stopped, or is busy: the next look tells.
  }
  setTimeout(look, 700);
}

look();
