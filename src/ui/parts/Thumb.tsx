// A stored picture, small. Keeps its place while loading.

import { useEffect, useState } from 'react';
import { thumbnailUrl } from './thumbnails';

/** The picture of a hash; `alt` says what it is for (its name). */
export function Thumb({ hash, alt, size }: { hash: string; alt: string; size?: number }): React.JSX.Element {
  const [shown, setShown] = useState<{ hash: string; url: string | null }>({ hash: '', url: null });
  useEffect(() => {
    let current = true;
    void thumbnailUrl(hash).then((url) => current && setShown({ hash, url }));
    return () => {
      current = false;
    };
  }, [hash]);
  const url = shown.hash === hash ? shown.url : null;
  return (
    <span className="thumb" style={size ? { width: size, height: size } : undefined}>
      {url && <img src={url} alt={alt} draggable={false} />}
    </span>
  );
}
