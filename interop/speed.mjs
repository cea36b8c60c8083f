// The foreign issuer for `bestow bench`: plain HTTP on loopback, offers for everybody.
// Prints where it is as one line of JSON, and serves until it is told to end.

import { setGlobalConfig } from "@openid4vc/utils";
import { createAuthority } from "./authority.mjs";
import { serve } from "./serve.mjs";

setGlobalConfig({ allowInsecureUrls: true });
const { caPem, signer } = await createAuthority();
const issuer = await serve({ caPem, signer }, { operated: true });
console.log(JSON.stringify({ url: issuer.url, pid: process.pid }));
