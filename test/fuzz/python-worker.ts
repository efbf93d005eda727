/** A Python program that answers questions for as long as a campaign lasts: a JSON value a line, in both directions. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** How long a question may go without an answer, in ms, before the process counts as hanging. */
const ANSWER_TIMEOUT = 60_000;

/** How much of what it wrote to stderr an error shows, in characters. */
const SHOWN_ERRORS = 2_000;

interface Question {
  readonly text: string;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class PythonWorker {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<void>;
  readonly #timeout: number;
  /** In the order of their answers. */
  readonly #questions: Question[] = [];
  #timer: NodeJS.Timeout | undefined;
  #errors = "";
  #failure: Error | undefined;

  /** `timeout`: how long it may take to answer one question, in ms. */
  constructor(command: string, program: string, timeout: number = ANSWER_TIMEOUT) {
    this.#timeout = timeout;
    this.#child = spawn(command, ["-u", program], { stdio: ["pipe", "pipe", "pipe"] });
    this.#ended = new Promise((resolve) => this.#child.once("close", () => resolve()));
    this.#child.once("error", (error) => this.#fail(`cannot be started: ${error.message}`));
    this.#child.once("close", (status, signal) => this.#fail(`ended with ${signal ?? `status ${status}`}`));
    this.#child.stdin.on("error", () => {}); // Its end tells more.
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-SHOWN_ERRORS);
    });
    createInterface(this.#child.stdout).on("line", (line) => this.#answer(line));
  }

  /**
   * The answers to `questions`, in their order. Several calls may wait at once.
   *
   * @throws Error if the process dies, hangs, or answers with what is no JSON; it is ended then
   */
  ask(questions: readonly unknown[]): Promise<unknown[]> {
    const texts = questions.map((question) => JSON.stringify(question));
    const answers = texts.map(
      (text) =>
        new Promise((resolve, reject) => {
          if (this.#failure === undefined) this.#questions.push({ text, resolve, reject });
          else reject(this.#failure);
        }),
    );
    if (this.#failure === undefined) {
      this.#child.stdin.write(texts.map((text) => `${text}\n`).join(""));
      if (this.#timer === undefined) this.#watch();
    }
    return Promise.all(answers);
  }

  /** Ends the process; what still waits for an answer fails. */
  async close(): Promise<void> {
    this.#fail("was closed");
    await this.#ended;
  }

  // Steps.

  #answer(line: string): void {
    const question = this.#questions.shift();
    if (question === undefined) return this.#fail(`said what nobody asked for: ${line.slice(0, 200)}`);
    try {
      question.resolve(JSON.parse(line));
    } catch {
      this.#questions.unshift(question);
      return this.#fail(`answered with what is no JSON: ${line.slice(0, 200)}`);
    }
    this.#watch();
  }

  /** The time counts anew for the first question that waits. */
  #watch(): void {
    if (this.#questions.length === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined) {
      const tell = () => this.#fail(`gave no answer for ${this.#timeout} ms`);
      this.#timer = setTimeout(tell, this.#timeout);
    } else {
      this.#timer.refresh();
    }
  }

  /** For good. What it wrote to stderr may still come: the question hears of it once the process is gone. */
  #fail(what: string): void {
    if (this.#failure !== undefined) return;
    clearTimeout(this.#timer);
    this.#failure = new Error(`The Python process ${what}`);
    this.#child.kill("SIGKILL");
    const waiting = this.#questions.splice(0);
    void this.#ended.then(() => {
      for (const { text, reject } of waiting) {
        const asked = waiting[0]!.text === text ? `\nIt was asked: ${text.slice(0, SHOWN_ERRORS)}` : "";
        reject(new Error(`The Python process ${what}${asked}\n${this.#errors}`.trimEnd()));
      }
    });
  }
}
