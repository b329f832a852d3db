/** Files that no bundle may hold, known by their names. */
import { basename } from "node:path";

const names = [
  /^\.env(\..+)?$/,
  /\.(pem|key|p12|pfx|jks|keystore|kdbx|asc|gpg)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)/,
  /^\.(npmrc|yarnrc(\.yml)?|netrc|pgpass|git-credentials|htpasswd|dockerconfigjson)$/,
  /^kubeconfig/,
  /\.kubeconfig$/,
  /^(credentials|secrets?)(\.(json|ya?ml|toml|txt|properties|env))?$/,
];
/** Whatever lies in them. */
const folders = /(^|[\\/])\.(git|ssh|aws|kube|docker|gnupg)[\\/]/;
/** Made to be shared. */
const samples = /^\.env\.(example|sample|template)$/;

export function isSecret(path: string): boolean {
  const name = basename(path).toLowerCase();
  if (samples.test(name)) return false;
  return folders.test(path) || names.some((form) => form.test(name));
}
