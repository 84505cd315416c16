export const inWords = (count: number) => count.toLocaleString('en')

/** @example counted(1, 'client') // '1 client' */
export const counted = (count: number, what: string) => `${inWords(count)} ${what}${count === 1 ? '' : 's'}`
