/** Bytes of tests. */
export { patternBytes } from "#src/testing/transport-checks/suite.js";
