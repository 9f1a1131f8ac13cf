"use strict";
// Asks once a second what is new. Bubbles arrive as HTML that the server has escaped.
const list = document.getElementById("messages");
const groups = document.getElementById("groups");
const empty = document.getElementById("empty");
const MOST = 500;
let last = Number(document.body.dataset.last);
let changes = Number(document.body.dataset.changes);
let chosen = "";

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour12: false });
    time.title = new Date(time.dateTime).toLocaleString();
  }
}

function filter() {
  for (const message of list.querySelectorAll(".message")) {
    message.hidden = chosen !== "" && message.dataset.group !== chosen;
  }
  empty.hidden = list.querySelector(".message:not([hidden])") !== null;
}

function choose(button) {
  chosen = button.dataset.group;
  for (const other of document.querySelectorAll("nav .group")) {
    other.setAttribute("aria-pressed", String(other.dataset.group === chosen));
  }
  document.getElementById("shown").textContent = button.querySelector(".name").textContent;
  filter();
  list.scrollTop = list.scrollHeight;
}

function append(items) {
  const near = list.scrollHeight - list.scrollTop - list.clientHeight < 120;
  for (const item of items) {
    const holder = document.createElement("template");
    holder.innerHTML = item.html;
    localTimes(holder.content);
    holder.content.querySelector(".message").classList.add("new");
    list.append(holder.content);
  }
  const all = list.querySelectorAll(".message");
  for (let i = 0; i < all.length - MOST; i++) all[i].remove();
  filter();
  if (near) list.scrollTop = list.scrollHeight;
}

function change(items) {
  for (const item of items) {
    const shown = list.querySelector(`.message[data-id="${Number(item.id)}"]`);
    if (!shown) continue;
    const holder = document.createElement("template");
    holder.innerHTML = item.html;
    localTimes(holder.content);
    shown.replaceWith(holder.content);
  }
  filter();
}

function groupButton(group) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `group ${group.kind}`;
  button.dataset.group = `${group.kind}/${group.name}`;
  button.setAttribute("aria-pressed", String(button.dataset.group === chosen));
  for (const name of ["avatar", "name", "count"]) {
    const span = document.createElement("span");
    span.className = name;
    button.append(span);
  }
  button.querySelector(".avatar").setAttribute("aria-hidden", "true");
  button.querySelector(".name").textContent = group.name;
  return button;
}

function countUp(known) {
  let total = 0;
  for (const group of known) {
    const key = `${group.kind}/${group.name}`;
    let button = [...groups.children].find((child) => child.dataset.group === key);
    if (!button) groups.append((button = groupButton(group)));
    button.querySelector(".count").textContent = group.count;
    total += group.count;
  }
  document.getElementById("total").textContent = total;
}

function tell(violations) {
  const box = document.getElementById("violations");
  box.classList.toggle("bad", violations.length > 0);
  box.querySelector("b").textContent = violations.length;
  box.querySelector("ul").replaceChildren(
    ...violations.map((violation) => {
      const row = document.createElement("li");
      row.textContent = violation;
      return row;
    }),
  );
}

async function refresh() {
  const live = document.getElementById("live");
  try {
    const answer = await fetch(`bubbles?since=${last}&changes=${changes}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const news = await answer.json();
    if (news.run !== document.body.dataset.run) location.reload();
    append(news.items);
    change(news.changed);
    changes = Math.max(changes, news.changes);
    last = Math.max(last, news.last);
    countUp(news.groups);
    tell(news.violations);
    document.getElementById("requests").textContent = news.requests;
    live.classList.remove("off");
  } catch {
    live.classList.add("off");
  }
  setTimeout(refresh, 1000);
}

document.querySelector("nav").addEventListener("click", (event) => {
  const button = event.target.closest(".group");
  if (button) choose(button);
});
document.getElementById("clear").addEventListener("click", async () => {
  const answer = await fetch("api/messages", { method: "DELETE" });
  if (answer.ok) {
    for (const message of list.querySelectorAll(".message")) message.remove();
    filter();
  }
});
localTimes(document);
list.scrollTop = list.scrollHeight;
refresh();
