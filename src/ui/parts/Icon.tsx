// The page's icons, drawn on a 16 x 16 grid in the colour of the text around them.

const PATHS = {
  check: 'M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0Zm3.300 4.700L7 9 4.700 6.700 3.500 7.900 7 11.400l5.500-5.500Z',
  warning: 'M8 .8 15.800 15H.2ZM7.200 5.500v5h1.600v-5Zm0 6.200v1.600h1.600v-1.600Z',
  download: 'M7.200 1h1.600v7.200l2.300-2.300 1.100 1.100L8 11.300 3.800 7l1.100-1.100 2.300 2.300ZM2 13h12v1.600H2Z',
  upload:
    'M7.250 11V4.100L4.900 6.450 3.850 5.400 8 1.250l4.150 4.150-1.050 1.050L8.750 4.100V11ZM2 9.500h1.500v4h9v-4H14V15H2Z',
  play: 'M3.500 1.500v13l10.500-6.500Z',
  pause: 'M3 1.500h3.500v13H3Zm6.500 0H13v13H9.500Z',
  stop: 'M2 2h12v12H2Z',
  left: 'm10.500 3.200-1-1L3.700 8l5.800 5.800 1-1L5.800 8Z',
  right: 'm5.500 3.200 1-1L12.300 8l-5.800 5.800-1-1L10.200 8Z',
  down: 'm3.200 5.500-1 1L8 12.300l5.800-5.800-1-1L8 10.200Z',
  lock: 'M4.500 6.500V5a3.500 3.500 0 0 1 7 0v1.500H13V15H3V6.500Zm1.500 0h4V5a2 2 0 0 0-4 0ZM4.500 8v5.500h7V8Z',
  theme: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 1.500a5.500 5.500 0 1 0 0 11Z',
  close:
    'm3.400 2.300 4.600 4.600 4.600-4.600 1.100 1.100L9.100 8l4.600 4.600-1.100 1.100L8 9.100l-4.600 4.600-1.100-1.100L6.900 8 2.300 3.400Z',
} as const;

export type IconName = keyof typeof PATHS;

/** A decorative icon; the text beside it says what it means. */
export function Icon({ name, size = 14 }: { name: IconName; size?: number }): React.JSX.Element {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="currentColor" fillRule="evenodd" />
    </svg>
  );
}

/** A ring that is empty (`none`), dotted at its centre (`now`) or partly filled (`part`, 0 to 1). */
export function Ring({
  kind,
  share = 0,
}: {
  kind: 'none' | 'now' | 'part' | 'dashed';
  share?: number;
}): React.JSX.Element {
  const turn = 2 * Math.PI * 6;
  return (
    <svg className="icon" width={14} height={14} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <circle
        cx="8"
        cy="8"
        r="6"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        opacity={kind === 'part' ? 0.3 : 1}
        strokeDasharray={kind === 'dashed' ? '2.500 2.200' : undefined}
      />
      {kind === 'now' && <circle cx="8" cy="8" r="3" fill="currentColor" />}
      {kind === 'part' && (
        <circle
          cx="8"
          cy="8"
          r="6"
          fill="none"
          stroke="currentColor"
          strokeWidth="2"
          strokeDasharray={`${turn * share} ${turn}`}
          transform="rotate(-90 8 8)"
        />
      )}
    </svg>
  );
}

/** The bird: a leaf-shaped wing with an eye. */
export function Logo(): React.JSX.Element {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        className="logoBody"
        d="M28 5c-8-2-16 1-19 8-1.700 4-1.200 8-2.600 11L3 28.500c6 .5 12-.5 16.500-4.500C24.500 19.500 25 12 28 5z"
      />
      <path className="logoWing" d="M24 12c-6 .5-10.500 3.500-13 10 5.500.5 10-2.500 13-10z" />
      <circle className="logoEye" cx="21.600" cy="8.700" r="1.500" />
      <path className="logoBeak" d="M27.500 5.200l3.300 3.200-4.600 1z" />
    </svg>
  );
}
