// The views of prizes come together, and apart from the rest: campaigns without prizes
// never load them.
export { default as Claim } from './Claim.vue'
export { default as Prizes } from './Prizes.vue'
export { default as Winners } from './Winners.vue'
