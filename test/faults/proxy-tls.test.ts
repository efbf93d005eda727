import { describeTls } from "./proxied-tls.js";

describeTls("ssl");
