/** Files that no bundle may hold, known by their names, however they would get in. */
import { basename } from "node:path";

const names = [
  /^\.env(\W|rc$|$)/,
  /\.env$/,
  /\.(pem|key|p8|p12|pfx|jks|keystore|kdbx|asc|gpg|ppk|kubeconfig)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)/,
  /^\.(npmrc|yarnrc(\.yml)?|netrc|pgpass|my\.cnf|git-credentials|htpasswd|dockerconfigjson|[\w-]*token|[\w-]*password)$/,
  /^kubeconfig/,
];
/** The last word of its name says so, if it is data. */
const words = /(^|[-_.])(secrets?|credentials?)(\.|$)|^client_secret|^passwords?(\.txt)?$/;
/** As Google's clouds hand them out. */
const keys = /([-_.]key|service[-_]?account([-_]?key)?|firebase-adminsdk[-\w]*)\.json$/;
const data = /^[^.]*$|\.(json[5c]?|ya?ml|toml|txt|properties|ini|conf|cfg|xml)$/;
/** Whatever lies in them. */
const folders = /(^|[\\/])\.(git|ssh|aws|kube|docker|gnupg|azure)[\\/]/;
/** Made to be shared. */
const samples = /[-_.](example|sample|template|dist|schema)(\.[a-z0-9]+)?$/;
/** What is added to the name of a copy. */
const copies = /(\.(bak|backup|old|orig|save|swp|tmp|copy)|~)+$/;
const code = /\.[cm]?[jt]sx?$/;

/** @param path relative to the module: what lies above may bear any name */
export function isSecret(path: string): boolean {
  const name = basename(path).toLowerCase().replace(copies, "");
  if (folders.test(path)) return true;
  if (code.test(name) || samples.test(name)) return false;
  return names.some((form) => form.test(name)) || (data.test(name) && (words.test(name) || keys.test(name)));
}
