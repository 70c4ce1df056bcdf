/** The views of prizes. They follow the home of a campaign that has any. */
export const prizeViews = () => import('.')
