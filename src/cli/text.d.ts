/** Files that are part of the program, imported as text. */
declare module "*.txt" {
  const text: string;
  export default text;
}
