// Makes the pages quicker to use. Everything works without it.
"use strict";

// Suggestions below the search box: an ARIA combobox.
(() => {
  const box = document.getElementById("q");
  if (!box) return;
  const form = box.form;
  const list = Object.assign(document.createElement("ul"), { id: "suggestions", className: "options", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  form.append(list);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  let timer = 0;
  let asked = "";
  let chosen = -1;
  const close = () => {
    list.hidden = true;
    chosen = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  close();
  const choose = (place) => {
    const options = [...list.children];
    if (!options.length) return;
    chosen = (place + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    box.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  };
  const search = (text) => {
    box.value = text;
    close();
    form.requestSubmit();
  };
  const show = (suggestions) => {
    list.replaceChildren(...suggestions.map((text, at) => {
      const option = Object.assign(document.createElement("li"), { id: "suggestion-" + at, textContent: text });
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        search(text);
      });
      return option;
    }));
    list.hidden = !suggestions.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
    chosen = -1;
  };
  const ask = async () => {
    const text = box.value.trim();
    asked = text;
    if (text.length < 2) return close();
    try {
      const answer = await fetch("/api/search/suggest?q=" + encodeURIComponent(text));
      if (!answer.ok || text !== asked || document.activeElement !== box) return;
      show((await answer.json()).suggestions);
    } catch {
      close();
    }
  };
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) return void ask();
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1));
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && !list.hidden && chosen >= 0) {
      event.preventDefault();
      search(list.children[chosen].textContent);
    }
  });
})();

// Buttons beside quantities; in the cart a changed quantity is sent by itself.
for (const stepper of document.querySelectorAll(".stepper")) {
  const input = stepper.querySelector("input");
  const form = input.form;
  const inCart = form.classList.contains("amount");
  let timer = 0;
  const changed = () => {
    if (!inCart) return;
    clearTimeout(timer);
    timer = setTimeout(() => input.checkValidity() && form.requestSubmit(), 500);
  };
  const button = (text, label, step) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    made.setAttribute("aria-label", label);
    made.addEventListener("click", () => {
      input[step]();
      changed();
    });
    return made;
  };
  stepper.prepend(button("−", "One less", "stepDown"));
  stepper.append(button("+", "One more", "stepUp"));
  input.addEventListener("change", changed);
  if (inCart) form.querySelector("button[type=submit]").hidden = true;
}

// What is wrong with a form is where reading goes on.
document.getElementById("problem")?.focus();

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button[type=submit]");
    setTimeout(() => button && (button.disabled = true));
    addEventListener("pageshow", () => button && (button.disabled = false), { once: true });
  });
}

// Photos go up with a bar that says how far they are.
for (const form of document.querySelectorAll("form.photo")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const bar = form.querySelector("progress");
    const status = form.querySelector("[role=status]");
    const request = new XMLHttpRequest();
    bar.hidden = false;
    request.upload.addEventListener("progress", ({ loaded, total }) => Object.assign(bar, { max: total, value: loaded }));
    request.addEventListener("load", () => {
      if (request.status < 400) return location.assign(request.responseURL);
      status.textContent = new DOMParser().parseFromString(request.responseText, "text/html").querySelector("main p")?.textContent ?? "That did not work.";
      form.querySelector("button").disabled = false;
    });
    request.addEventListener("error", () => {
      status.textContent = "The connection was lost. Please try again.";
      form.querySelector("button").disabled = false;
    });
    request.open("POST", form.action);
    request.send(new FormData(form));
  });
}
