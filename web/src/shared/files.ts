/** Gives the browser a file to keep. */
export function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // Not at once: some browsers read it a moment later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

// Safari of iOS 13 has no other way to look into a file.

export const textOf = (file: Blob): Promise<string> => read<string>((r) => r.readAsText(file))
export const bytesOf = async (file: Blob): Promise<Uint8Array> => new Uint8Array(await read<ArrayBuffer>((r) => r.readAsArrayBuffer(file)))
export const dataUrlOf = (file: Blob): Promise<string> => read<string>((r) => r.readAsDataURL(file))

function read<T>(begin: (reader: FileReader) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result as T)
    reader.onerror = () => reject(reader.error ?? new Error('read a file'))
    begin(reader)
  })
}
