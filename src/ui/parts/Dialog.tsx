// A question that must be answered, in the browser's own modal dialog (focus stays inside, Escape closes).

import { useEffect, useRef } from 'react';

export interface DialogProps {
  title: string;
  children: React.ReactNode;
  onClose(): void;
}

/** Opens when mounted; unmount it to close. */
export function Dialog({ title, children, onClose }: DialogProps): React.JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog ref={dialog} className="dialog" aria-label={title} onCancel={onClose}>
      <h2 className="heading">{title}</h2>
      {children}
    </dialog>
  );
}
