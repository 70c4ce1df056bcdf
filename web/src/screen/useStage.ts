import { onBeforeUnmount, onMounted, useTemplateRef } from 'vue'

/** What the screen is drawn for; other sizes show the same, scaled as a whole. */
const width = 1920
const height = 1080

/** Scales the element with this template ref to the window. */
export function useStage(name: string): void {
  const stage = useTemplateRef<HTMLElement>(name)
  const fit = () => {
    const scale = Math.min(innerWidth / width, innerHeight / height)
    const left = (innerWidth - width * scale) / 2
    const top = (innerHeight - height * scale) / 2
    if (stage.value) stage.value.style.transform = `translate(${left}px, ${top}px) scale(${scale})`
  }
  onMounted(() => {
    fit()
    addEventListener('resize', fit)
  })
  onBeforeUnmount(() => removeEventListener('resize', fit))
}
