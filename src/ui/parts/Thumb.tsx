// A stored picture, small, with the pixels that the model sees. Keeps its place while loading.

import { createContext, useContext, useEffect, useState } from 'react';
import type { ImageLoading } from '../../base/imageLoading';
import { useSettings } from '../store/settings';
import { thumbnailUrl } from './thumbnails';

/** The image_loading of the run on show; null, as in Setup: that of the recipe that is being set up. */
export const RunLoading = createContext<ImageLoading | null>(null);

/** The picture of a hash; `alt` says what it is for (its name). */
export function Thumb({ hash, alt, size }: { hash: string; alt: string; size?: number }): React.JSX.Element {
  const ofRun = useContext(RunLoading);
  const ofSetup = useSettings((settings) => settings.recipe.image_loading);
  const loading = ofRun ?? ofSetup;
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
