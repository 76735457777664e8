/* Making and keeping elements. Text goes in as text nodes only, so that nothing that a client sent
 * is ever read as HTML (the page's Trusted Types policy sees to it as well). */
'use strict';

const SVG = 'http://www.w3.org/2000/svg';

function byId(id)
{
    return document.getElementById(id);
}

function fill(element, attributes, children)
{
    for (const [name, value] of Object.entries(attributes || {})) {
        if (value !== undefined && value !== false)
            element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
}

function make(tag, attributes, ...children)
{
    return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes, ...children)
{
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

/* Of what changes every second: only what is different is touched. */
function setText(element, text)
{
    if (element.textContent !== text)
        element.textContent = text;
}

/* The children of `parent` become those of `items`, in order; one that is there for the same key and
 * the same content stays as it is, and with it its focus. */
function showAll(parent, items, keyOf, contentOf, render)
{
    const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
    const kept = new Set();
    let next = parent.firstElementChild;

    for (const item of items) {
        const key = keyOf(item);
        const content = contentOf(item);
        let child = old.get(key);
        if (!child || kept.has(child) || child.dataset.content !== content) {
            const fresh = render(item);
            fresh.dataset.key = key;
            fresh.dataset.content = content;
            if (child && !kept.has(child)) {
                next = next === child ? fresh : next;
                replaceKeepingFocus(child, fresh);
            }
            child = fresh;
        }
        kept.add(child);
        if (child === next)
            next = next.nextElementSibling;
        else
            moveKeepingFocus(parent, child, next);
    }
    for (const child of [...parent.children].filter((each) => !kept.has(each)))
        child.remove();
}

function replaceKeepingFocus(child, fresh)
{
    const had = child.contains(document.activeElement);
    child.replaceWith(fresh);
    if (had)
        (fresh.matches('a, button') ? fresh : fresh.querySelector('a, button'))?.focus({
            preventScroll: true
        });
}

function moveKeepingFocus(parent, child, before)
{
    const focused = child.contains(document.activeElement) ? document.activeElement : null;
    parent.insertBefore(child, before);
    focused?.focus({preventScroll: true});
}

/* What is under `parent` is made anew when `content`, of which it is made, is another. */
function showWhenChanged(parent, content, render)
{
    if (parent.dataset.content === content)
        return;
    parent.dataset.content = content;
    parent.replaceChildren(...render());
}

/* The options of a <select>: its first one, which means any, and these. The chosen one stays. */
function setOptions(select, names, textOf)
{
    const wanted = [...new Set(select.value ? [...names, select.value] : names)];
    if (wanted.join('\n') === [...select.options].slice(1).map((option) => option.value).join('\n'))
        return;
    const chosen = select.value;
    select.replaceChildren(select.options[0],
        ...wanted.map((name) => make('option', {value: name}, textOf ? textOf(name) : name)));
    select.value = chosen;
}
