// An OpenID provider (npm oidc-provider) for ops/service/tests/oidc.rs.
//
// It listens on a free port of this machine, prints one line of JSON with its issuer, and then answers
// each line of JSON on standard input with one on standard output:
//   {"do":"person","subject":"p","resource":"urn:sillage"}  -> {"token"}: by authorization code and PKCE
//   {"do":"application","scope":"state"}                    -> {"token"}: by client credentials
//   {"do":"rotate"}                                         -> {}: new keys in place of the former ones
//   {"do":"lifetime","seconds":1}                           -> {}: of tokens from now on
// It ends with its standard input.

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const modules = process.env.OIDC_PROVIDER_MODULES ?? new URL('.', import.meta.url).pathname;
const entry = join(modules, 'node_modules', 'oidc-provider', 'lib', 'index.js');
const { default: Provider } = await import(pathToFileURL(entry).href);

// Standard output is for answers alone.
console.info = console.warn = console.log = (...words) => console.error(...words);

const AUDIENCES = { 'urn:sillage': 'sillage', 'urn:another': 'another' };
const SCOPES = 'statements/write statements/read state';
const REDIRECT = 'https://app.example.org/back';

let lifetime = 600;
let generation = 0;
let answer;

function keys() {
  generation += 1;
  const made = (kind, options, alg) => ({
    ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
    kid: `${alg}-${generation}`,
    alg,
    use: 'sig',
  });
  return {
    keys: [
      made('rsa', { modulusLength: 2048 }, 'RS256'),
      made('ec', { namedCurve: 'P-256' }, 'ES256'),
    ],
  };
}

function configuration() {
  return {
    jwks: keys(),
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: [
      {
        client_id: 'app',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: [REDIRECT],
      },
      {
        client_id: 'backend',
        client_secret: 'of the backend',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        scope: SCOPES,
      },
    ],
    scopes: ['openid', ...SCOPES.split(' ')],
    pkce: { required: () => true, methods: ['S256'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // Whoever logs in has agreed.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid');
      grant.addResourceScope(ctx.oidc.params.resource, 'openid');
      await grant.save();
      return grant;
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    extraTokenClaims: (_, token) =>
      token.accountId
        ? { accounts: [{ homePage: 'https://school.example.org', name: `${token.accountId}-before` }] }
        : undefined,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:sillage',
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: `openid ${SCOPES}`,
          audience: AUDIENCES[resource],
          accessTokenTTL: lifetime,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: resource === 'urn:sillage' ? 'ES256' : 'RS256' } },
        }),
      },
    },
  };
}

const server = createServer((request, response) => answer(request, response));
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

function publish() {
  const provider = new Provider(issuer, configuration());
  const callback = provider.callback();
  answer = async (request, response) => {
    if (!request.url.startsWith('/interaction/')) {
      callback(request, response);
      return;
    }
    try {
      const { params } = await provider.interactionDetails(request, response);
      const result = { login: { accountId: params.login_hint } };
      await provider.interactionFinished(request, response, result);
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  };
}

/** Follows redirections as a browser does, up to the application's own address. */
async function browse(address) {
  const cookies = new Map();
  let at = new URL(address);
  for (let steps = 0; steps < 10; steps += 1) {
    const response = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const place = pair.indexOf('=');
      cookies.set(pair.slice(0, place), pair.slice(place + 1));
    }
    const next = response.headers.get('location');
    if (!next) throw new Error(`${response.status} ${await response.text()}`);
    at = new URL(next, at);
    if (at.href.startsWith(REDIRECT)) return at;
  }
  throw new Error('too many redirections');
}

async function token(form, authorization) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: authorization ? { authorization } : {},
    body: new URLSearchParams(form),
  });
  const body = await response.json();
  if (!body.access_token) throw new Error(JSON.stringify(body));
  return { token: body.access_token };
}

const commands = {
  async person({ subject, resource = 'urn:sillage' }) {
    const verifier = randomBytes(32).toString('base64url');
    const asked = new URL(`${issuer}/auth`);
    asked.search = new URLSearchParams({
      client_id: 'app',
      response_type: 'code',
      redirect_uri: REDIRECT,
      scope: 'openid',
      resource,
      login_hint: subject,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const back = await browse(asked);
    const code = back.searchParams.get('code');
    if (!code) throw new Error(back.search);
    return token({
      grant_type: 'authorization_code',
      client_id: 'app',
      code,
      redirect_uri: REDIRECT,
      code_verifier: verifier,
      resource,
    });
  },
  application({ scope, resource = 'urn:sillage' }) {
    const pair = ['backend', 'of the backend'].map(encodeURIComponent).join(':');
    const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    return token({ grant_type: 'client_credentials', scope, resource }, authorization);
  },
  rotate() {
    publish();
    return {};
  },
  lifetime({ seconds }) {
    lifetime = seconds;
    return {};
  },
};

publish();
const tell = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);
tell({ issuer });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    tell(await commands[command.do](command));
  } catch (error) {
    tell({ error: String(error) });
  }
}
process.exit(0);
