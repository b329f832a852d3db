/** Files that are part of the program, imported as text. */
declare module "*.proto" {
  const text: string;
  export default text;
}
