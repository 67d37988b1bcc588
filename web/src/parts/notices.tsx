import { createContext, type ReactNode, useCallback, useContext, useState } from "react"

type Notice = { id: number; text: string; isError: boolean }
type Say = (text: string, isError?: boolean) => void

const SayContext = createContext<Say>(() => undefined)
const SHOWN_MILLISECONDS = 8000

/** Says something at the edge of the page, to screen readers as well. */
export const useSay = (): Say => useContext(SayContext)

export function NoticesProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([])
  const dismiss = useCallback((id: number) => setNotices((all) => all.filter((notice) => notice.id !== id)), [])
  const say = useCallback<Say>(
    (text, isError = false) => {
      const id = Date.now() + Math.random()
      setNotices((all) => [...all.filter((notice) => notice.text !== text), { id, text, isError }])
      setTimeout(() => dismiss(id), SHOWN_MILLISECONDS)
    },
    [dismiss],
  )
  return (
    <SayContext value={say}>
      {children}
      <div className="notices" role="status" aria-live="polite">
        {notices.map((notice) => (
          <div key={notice.id} className={notice.isError ? "notice error" : "notice"}>
            <span>{notice.text}</span>
            <button type="button" className="quiet" onClick={() => dismiss(notice.id)} aria-label="Dismiss">✕</button>
          </div>
        ))}
      </div>
    </SayContext>
  )
}
