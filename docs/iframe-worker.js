// Search from file://, where browsers refuse workers: the script of the worker runs in a hidden frame instead.
if (location.protocol === "file:") {
  class IFrameWorker extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inner = frame.contentWindow;
      const load = (src) =>
        new Promise((done, failed) => {
          const script = frame.contentDocument.createElement("script");
          script.src = src;
          script.onload = done;
          script.onerror = failed;
          frame.contentDocument.body.appendChild(script);
        });
      // what a worker says goes to the page that made it
      this.inner.postMessage = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      };
      this.inner.importScripts = (...all) => all.reduce((before, src) => before.then(() => load(src)), Promise.resolve());
      this.ready = load(new URL(url, document.baseURI).href);
    }
    postMessage(data) {
      this.ready.then(() => this.inner.dispatchEvent(new this.inner.MessageEvent("message", { data })));
    }
    terminate() {
      this.inner.frameElement.remove();
    }
  }
  window.IFrameWorker = window.Worker = IFrameWorker;
}
