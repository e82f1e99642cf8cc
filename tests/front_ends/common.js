"use strict";
// What pages of both kinds do alike. `config` is what the test has chosen for this page.

const MALFUNCTION = "服务器异常";

// A parameter of the page's own address. decodeURI leaves what is reserved as it came, and that is the point.
function query(name) {
    const pair = location.search.slice(1).split("&").find(part => part.startsWith(`${name}=`));
    return pair === undefined ? null : decodeURI(pair.slice(name.length + 1));
}

// The data of a 2xx; anything else is thrown, with `response` where there was an answer that the page may read.
async function ask(method, path, {body, token, credentials = config.credentials} = {}) {
    const options = {method, credentials: credentials ? "include" : "same-origin", headers: {}};
    if (token) options.headers.Authorization = `JWT ${token}`;
    if (body) {
        options.headers["Content-Type"] = "application/json";
        options.body = JSON.stringify(body);
    }
    const answer = await fetch(config.host + path, options);
    const response = {status: answer.status, data: await answer.json()};
    if (!answer.ok) throw Object.assign(new Error(answer.status), {response});
    return response.data;
}

function fill(path, values) {
    return path.replace(/{(\w+)}/g, (_, name) => values[name]);
}

function field(name) {
    return document.querySelector(`[name=${name}]`);
}

function show(name, text) {
    document.getElementById(name).textContent = text;
}

let imageId;

function drawImage() {
    if (!config.image) return;
    imageId = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () => Math.floor(Math.random() * 16).toString(16));
    document.getElementById("image").src = config.host + fill(config.image, {id: imageId});
}

function smsAddress() {
    const path = fill(config.sms, {mobile: field("mobile").value});
    // What a person typed goes along as it is.
    return config.image ? `${path}?${config.text}=${field("text").value}&${config.image_id}=${imageId}` : path;
}
