// By whose rules a picture file becomes the pixels that the model sees. The name is a recipe's option, image_loading.

/**
 * `library`: as datasets and transformers load pictures: upright by EXIF, transparency on white. `recipe`: as MMHERC
 * loads them: as stored, alpha dropped.
 */
export const IMAGE_LOADINGS = ['library', 'recipe'] as const;
export type ImageLoading = (typeof IMAGE_LOADINGS)[number];
