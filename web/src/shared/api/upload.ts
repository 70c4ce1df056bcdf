import { address } from './client'
import { Problem, Unreachable } from './problem'

export interface Upload {
  /** A path of the contract, with its {places}. */
  path: string
  values?: Record<string, string>
  query?: object
  /** The body itself, or several files as parts of one. */
  file: Blob | FormData
  token: string
  /** Told of how much has left, from 0 to 1. */
  onSent?: (part: number) => void
  signal?: AbortSignal
  /** Makes a request; for tests. */
  request?: () => XMLHttpRequest
}

/**
 * Sends a file as the body of a POST and returns what the server answered. Requests of
 * fetch do not tell how much has left; these do. Nothing is repeated.
 */
export function upload<T>(o: Upload): Promise<T> {
  const xhr = o.request?.() ?? new XMLHttpRequest()
  return new Promise<T>((resolve, reject) => {
    const stop = () => xhr.abort()
    const over = (end: () => void) => {
      o.signal?.removeEventListener('abort', stop)
      end()
    }
    xhr.open('POST', address(o.path, o.values, o.query))
    xhr.setRequestHeader('Authorization', `Bearer ${o.token}`)
    xhr.setRequestHeader('Accept', 'application/json')
    // The parts of a form are set apart by what the browser chooses, and tells itself.
    if (o.file instanceof Blob) xhr.setRequestHeader('Content-Type', o.file.type === '' ? 'application/octet-stream' : o.file.type)
    xhr.upload.onprogress = (e) => {
      if (e.lengthComputable) o.onSent?.(e.total === 0 ? 1 : e.loaded / e.total)
    }
    xhr.onload = () => over(() => (xhr.status < 300 ? resolve(read(xhr) as T) : reject(new Problem(xhr.status, read(xhr)))))
    xhr.onerror = () => over(() => reject(new Unreachable('the file was not taken')))
    xhr.onabort = () => over(() => reject(new Unreachable('given up')))
    o.signal?.addEventListener('abort', stop, { once: true })
    xhr.send(o.file)
  })
}

function read(xhr: XMLHttpRequest): object {
  try {
    return JSON.parse(xhr.responseText) as object
  } catch {
    return {} // something on the way answered
  }
}
