/** A thread that ends in the middle of its work. */
export default function exit(): void {
  process.exit(1)
}
