// Every option of the recipe as a form, grouped by section, each under its name in TRL or PEFT.

import { Fragment } from 'react';
import type { Recipe } from '../../recipe/config';
import { RecipeField } from './RecipeField';
import { fieldValue, isShown, SECTIONS, withField, type FieldGroup } from '../recipe/recipeFields';
import { RewardEditor } from './RewardEditor';
import { RewardsField } from './RewardsField';

export interface RecipeFormProps {
  recipe: Recipe;
  onChange(recipe: Recipe): void;
}

/** The folded part of the Recipe card. A wrong entry is marked and not taken over. */
export function RecipeForm({ recipe, onChange }: RecipeFormProps): React.JSX.Element {
  return (
    <div className="recipeForm">
      {SECTIONS.map(({ section, title, groups }) => (
        <fieldset key={title}>
          <legend className="label">{title}</legend>
          {groups.map((group) => (
            <Group key={group.title} group={group} wide={section === ''} recipe={recipe} onChange={onChange} />
          ))}
        </fieldset>
      ))}
    </div>
  );
}

function Group({ group, wide, recipe, onChange }: RecipeFormProps & { group: FieldGroup; wide: boolean }) {
  return (
    <>
      {group.title && <h4 className="soft groupTitle">{group.title}</h4>}
      <div className={wide ? 'fields wide' : 'fields'}>
        {group.fields
          .filter((field) => isShown(field, recipe))
          .map((field) =>
            field.kind.type === 'rewards' ? (
              <Fragment key={field.name}>
                <RewardsField field={field} recipe={recipe} onChange={onChange} />
                <div className="allColumns">
                  <RewardEditor recipe={recipe} onChange={onChange} />
                </div>
              </Fragment>
            ) : (
              <RecipeField
                key={field.name}
                field={field}
                value={fieldValue(recipe, field)}
                onChange={(value) => onChange(withField(recipe, field, value))}
              />
            ),
          )}
      </div>
    </>
  );
}
