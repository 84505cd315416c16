/** A text in the quotes of Terraform: JSON, without its templates `${` and `%{`. */
export function terraformText(text: string): string {
  return JSON.stringify(text).replace(/[$%]\{/g, (opening) => `${opening[0]}${opening}`)
}
