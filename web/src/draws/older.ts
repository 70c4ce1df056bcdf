// What the library of hashes asks for and the older browsers of WeChat lack. It comes
// before everything else.
if (!('hasOwn' in Object)) {
  Object.defineProperty(Object, 'hasOwn', { value: (of: object, name: PropertyKey) => Object.prototype.hasOwnProperty.call(of, name) })
}
export {}
