// Adds the platform's bar above MLflow's pages: who is signed in, a way to sign out, what the workspace is for, and what
// to do once the session has ended. It changes nothing of MLflow's, and reads only the address of the page. Texts from
// outside are set as text, never as HTML.
"use strict";
(() => {
  const CALLER = "ajax-api/3.0/mlflow-platform/caller";
  const WORKSPACES = "ajax-api/3.0/mlflow/workspaces/";
  const ARCHIVED = "Archived: ";
  const ADDRESS_MILLISECONDS = 500;
  const AWAY_MILLISECONDS = 60000;

  const part = (tag, id, ...children) => {
    const element = document.createElement(tag);
    if (id) element.id = `mlflow-platform-${id}`;
    element.append(...children);
    return element;
  };
  const ask = (path) => fetch(path, { headers: { Accept: "application/json" }, redirect: "manual" });

  const note = part("div", "note");
  note.setAttribute("role", "status");
  const user = part("span", "user");
  const signOut = part("a", "sign-out", "Sign out");
  const ended = part("div", "ended");
  ended.setAttribute("role", "alert");
  const bar = part("header", "bar", note, part("div", "who", user, signOut), ended);
  bar.setAttribute("aria-label", "Platform");
  for (const element of [bar, note, user, signOut, ended]) element.hidden = true;

  const show = () => {
    bar.hidden = false;
    if (!bar.isConnected) {
      document.body.prepend(bar);
      document.body.classList.add("mlflow-platform-page");
    }
  };

  // A session that has ended is seen in the answers to MLflow's own requests. Nothing is asked at regular intervals: that
  // would keep the session of somebody alive who has gone away.
  const hasEnded = (answer) => answer.type === "opaqueredirect" || answer.status === 401;
  const sayEnded = () => {
    if (!ended.hidden) return;
    const again = part("button", "", "Sign in again");
    again.type = "button";
    // The sign-in page comes in place of this one, and leads back to it.
    again.addEventListener("click", () => location.reload());
    ended.replaceChildren("Your session has ended: what you see may be out of date, and changes are not saved. ", again);
    ended.hidden = false;
    user.hidden = signOut.hidden = note.hidden = true;
    show();
  };

  let asking = false;
  let asked = 0;
  const askCaller = async () => {
    if (asking || !ended.hidden) return;
    asking = true;
    try {
      const answer = await ask(CALLER);
      asked = Date.now();
      if (hasEnded(answer)) return sayEnded();
      if (!answer.ok) return;
      const caller = await answer.json();
      user.textContent = user.title = caller.user;
      signOut.href = caller.signOut;
      user.hidden = signOut.hidden = false;
      show();
    } catch {
      // Not reachable: MLflow's own pages say so.
    } finally {
      asking = false;
    }
  };

  let workspace = null;
  const followWorkspace = async () => {
    const name = new URLSearchParams(location.hash.split("?")[1] ?? "").get("workspace");
    if (name === workspace) return;
    workspace = name;
    note.hidden = true;
    if (!name || !ended.hidden) return;
    try {
      const answer = await ask(WORKSPACES + encodeURIComponent(name));
      if (name !== workspace) return;
      if (hasEnded(answer)) return sayEnded();
      if (answer.ok) {
        const { description = "" } = (await answer.json()).workspace ?? {};
        note.replaceChildren(part("strong", "", name), " ", part("span", "", description));
        note.classList.toggle("warning", description.startsWith(ARCHIVED));
        note.hidden = false;
      } else if (answer.status === 403 || answer.status === 404) {
        const all = part("a", "", "Choose another one");
        all.href = "#/";
        const reason = "There is no such workspace, or you have no access to it: its pages are empty. ";
        note.replaceChildren(part("strong", "", name), " ", part("span", "", reason), all);
        note.classList.add("warning");
        note.hidden = false;
      }
      if (!note.hidden) show();
    } catch {
      // As above.
    }
  };

  // Without a session OAuth2-Proxy answers 401 to the requests of scripts, and 403 to those for files.
  const mayMeanEnd = ({ name, responseStatus }) =>
    (responseStatus === 401 && !name.endsWith(CALLER)) || (responseStatus === 403 && name.includes("/static-files/"));
  const watchAnswers = () => {
    new PerformanceObserver((list) => {
      if (list.getEntries().some(mayMeanEnd)) askCaller();
    }).observe({ type: "resource" });
  };

  askCaller();
  followWorkspace();
  // MLflow changes the address without an event.
  setInterval(followWorkspace, ADDRESS_MILLISECONDS);
  // For browsers that do not tell the status of an answer.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - asked > AWAY_MILLISECONDS) askCaller();
  });
  try {
    watchAnswers();
  } catch {
    // As above.
  }
})();
