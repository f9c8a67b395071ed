// A stored picture, small, with the pixels that the model sees. Keeps its place while loading.

import { createContext, useContext, useEffect, useState } from 'react';
import type { ImageLoading } from '../../base/imageLoading';
import { thumbnailUrl } from './thumbnails';

/** The image_loading of the recipe on show: the run's, or in Setup the one that is being set up. */
export const ShownLoading = createContext<ImageLoading>('library');

/** The picture of a hash; `alt` says what it is for (its name). */
export function Thumb({ hash, alt, size }: { hash: string; alt: string; size?: number }): React.JSX.Element {
  const loading = useContext(ShownLoading);
  const key = `${loading} ${hash}`;
  const [shown, setShown] = useState<{ key: string; url: string | null }>({ key: '', url: null });
  useEffect(() => {
    let current = true;
    void thumbnailUrl(hash, loading).then((url) => current && setShown({ key: `${loading} ${hash}`, url }));
    return () => {
      current = false;
    };
  }, [hash, loading]);
  const url = shown.key === key ? shown.url : null;
  return (
    <span className="thumb" style={size ? { width: size, height: size } : undefined}>
      {url && <img src={url} alt={alt} draggable={false} />}
    </span>
  );
}
